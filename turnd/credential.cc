#include "turnd/credential.h"

#include <fmt/format.h>

#include <cstdio>

#include "libcore/base/secret.h"
#include "libcore/config/secrets.h"
#include "libcore/config/surroundings.h"
#include "libcore/config/units.h"
#include "libcore/event/loop.h"
#include "libcore/stun/time_limited.h"

namespace turnd {
namespace {

constexpr int kRefused = 1;
constexpr int kUsage = 2;

core::Secret first_line(const std::string& text) {
  std::string line = text.substr(0, text.find('\n'));
  if (line.ends_with('\r')) line.pop_back();
  return core::Secret(std::move(line));
}

} // namespace

int print_credential(const CredentialRequest& request) {
  const auto ttl = config::parse_duration(request.ttl);
  if (!ttl || *ttl < std::chrono::seconds(1)) {
    fmt::print(stderr, "turnd: --ttl {}: expected a time of at least 1s, such as \"1h\"\n",
               request.ttl);
    return kUsage;
  }
  const auto file =
      config::SystemSurroundings().read_file(request.secret_file, config::kMaxSecretFileBytes);
  if (!file) {
    fmt::print(stderr, "turnd: {}: {}\n", request.secret_file, file.error().text);
    return kRefused;
  }
  const core::Secret secret = first_line(file->text);
  if (secret.empty()) {
    fmt::print(stderr, "turnd: {}: the first line is empty\n", request.secret_file);
    return kRefused;
  }
  if (file->world_readable) {
    fmt::print(stderr, "turnd: {}: everybody may read this file: chmod o-r it\n",
               request.secret_file);
    return kRefused;
  }
  const auto expiry =
      event::read_now().wall + std::chrono::duration_cast<std::chrono::seconds>(*ttl);
  const auto username = fmt::format("{}:{}", expiry.time_since_epoch().count(), request.user);
  fmt::print("username: {}\npassword: {}\n", username,
             stun::time_limited_password(
                 secret, username, request.sha256 ? stun::Integrity::sha256 : stun::Integrity::sha1)
                 .reveal());
  return 0;
}

} // namespace turnd
