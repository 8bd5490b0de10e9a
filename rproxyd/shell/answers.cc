#include "rproxyd/shell/answers.h"

#include "libcore/config/surroundings.h"
#include "rproxyd/proxy/content_type.h"

namespace rproxyd {

core::Result<ErrorPage> load_error_page(const std::string& path) {
  auto content = config::SystemSurroundings().read_file(path, kMaxErrorPageBytes);
  if (!content) return core::failure(path + ": " + content.error().text);
  return ErrorPage{.content_type = std::string(content_type(path, {})),
                   .body = std::move(content->text)};
}

CompressionRules compression_rules(const Settings::Compression& from) {
  return {.enabled = from.enabled, .least_bytes = from.least_bytes, .types = from.types};
}

core::Result<AnswerRules> answer_rules(const Settings& settings) {
  AnswerRules rules;
  using Policy = Settings::ContentSecurityPolicy::Kind;
  switch (settings.content_security_policy.kind) {
    case Policy::off:
      break;
    case Policy::standard:
      rules.content_security_policy = kStandardContentSecurityPolicy;
      break;
    case Policy::own:
      rules.content_security_policy = settings.content_security_policy.own;
      break;
  }
  rules.hsts = settings.hsts.value_or("");
  using Server = Settings::ServerHeader::Kind;
  switch (settings.server_header.kind) {
    case Server::pass:
      break;
    case Server::remove:
      rules.server_field = AnswerRules::ServerField::remove;
      break;
    case Server::own:
      rules.server_field = AnswerRules::ServerField::replace;
      rules.server = settings.server_header.own;
      break;
  }
  for (const auto& [status, path] : settings.error_pages) {
    auto page = load_error_page(path);
    if (!page) return std::unexpected(page.error());
    rules.error_pages.emplace(static_cast<std::uint16_t>(status), *std::move(page));
  }
  return rules;
}

} // namespace rproxyd
