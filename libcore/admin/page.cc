#include "libcore/admin/page.h"

#include <fmt/format.h>
#include <openssl/base64.h>
#include <openssl/sha.h>

#include <array>
#include <string_view>

#include "libcore/admin/page_sources.h"

namespace admin {
namespace {

void replace(std::string& text, std::string_view mark, std::string_view by) {
  const auto at = text.find(mark);
  if (at != std::string::npos) text.replace(at, mark.size(), by);
}

// CSP level 3 section 8.4: 'sha256-' and the digest in base64.
std::string hash_of(std::string_view source) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const std::uint8_t*>(source.data()), source.size(), digest.data());
  std::array<std::uint8_t, 4 * ((SHA256_DIGEST_LENGTH + 2) / 3) + 1> text{};
  const std::size_t size = EVP_EncodeBlock(text.data(), digest.data(), digest.size());
  return fmt::format("'sha256-{}'",
                     std::string_view(reinterpret_cast<const char*>(text.data()), size));
}

Page put_together(std::string_view html, std::string_view script) {
  Page page{.html = std::string(html), .content_security_policy = {}};
  replace(page.html, "/* page.css */", kPageCss);
  replace(page.html, "/* page.js */", script);
  page.content_security_policy = fmt::format(
      "default-src 'none'; style-src {}; script-src {}; img-src data:; connect-src 'self'; "
      "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      hash_of(kPageCss), script.empty() ? "'none'" : hash_of(script));
  return page;
}

Page sign_in(std::string_view said) {
  Page page = put_together(kSignInHtml, "");
  replace(page.html, "<!-- said -->", said);
  return page;
}

} // namespace

const Page& status_page() {
  static const Page page = put_together(kPageHtml, kPageJs);
  return page;
}

const Page& sign_in_page(SignIn after) {
  static const Page first = sign_in("");
  static const Page wrong = sign_in("That was not the token.");
  static const Page too_many =
      sign_in("Too many wrong tokens came from your address. Try again in a minute.");
  switch (after) {
    case SignIn::first:
      return first;
    case SignIn::wrong:
      return wrong;
    case SignIn::too_many:
      return too_many;
  }
  return first;
}

} // namespace admin
