// The page for people: one file, whose sources stand in page/ and are put together when this is
// built. It loads nothing from anywhere; its policy allows its own script and style by their hashes.
#pragma once

#include <cstdint>
#include <string>

namespace admin {

struct Page {
  std::string html;
  std::string content_security_policy;
};

const Page& status_page();

enum class SignIn : std::uint8_t { first, wrong, too_many };
const Page& sign_in_page(SignIn after);

} // namespace admin
