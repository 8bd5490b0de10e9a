// What each path of the admin address answers: /healthz, /readyz, /metrics, /status.
#pragma once

#include "libcore/admin/commands.h"
#include "libcore/admin/content.h"
#include "libcore/admin/http_answer.h"
#include "libcore/admin/http_request.h"

namespace admin {

class Endpoints {
 public:
  // Borrows both.
  Endpoints(Content& content, const Commands& commands) : content_(content), commands_(commands) {}

  HttpAnswer answer(const HttpRequest& request);

 private:
  Content& content_;
  const Commands& commands_;
};

} // namespace admin
