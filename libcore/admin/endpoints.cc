#include "libcore/admin/endpoints.h"

#include <prometheus/text_serializer.h>

namespace admin {

HttpAnswer Endpoints::answer(const HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    HttpAnswer refused = plain(405, "this address is read with GET");
    refused.fields.emplace_back("Allow", "GET, HEAD");
    return refused;
  }
  if (request.path == "/healthz") return plain(200, "ok");
  if (request.path == "/readyz")
    return content_.ready() ? plain(200, "ready") : plain(503, "draining: no new work is taken");
  if (request.path == "/metrics") {
    return {.type = "text/plain; version=0.0.4; charset=utf-8",
            .body = prometheus::TextSerializer().Serialize(content_.metrics())};
  }
  if (request.path == "/status")
    return {.type = "application/json", .body = to_line(content_.status()) + "\n"};
  return plain(404, "there are /healthz, /readyz, /metrics and /status");
}

} // namespace admin
