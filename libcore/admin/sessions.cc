#include "libcore/admin/sessions.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "libcore/base/bytes.h"

namespace admin {
namespace {

constexpr std::size_t kNameBytes = 16;

std::string random_name() {
  std::array<std::uint8_t, kNameBytes> bytes{};
  RAND_bytes(bytes.data(), bytes.size());
  std::string name;
  for (const unsigned byte : bytes) fmt::format_to(std::back_inserter(name), "{:02x}", byte);
  return name;
}

} // namespace

std::string Sessions::begin(core::TimePoint now) {
  std::erase_if(sessions_, [now](const Session& each) { return now - each.used > kIdle; });
  if (sessions_.size() == kMax)
    sessions_.erase(std::ranges::min_element(sessions_, {}, &Session::used));
  std::string name = random_name();
  sessions_.push_back({.name = core::Secret(name), .used = now});
  return name;
}

bool Sessions::use(std::string_view name, core::TimePoint now) {
  const auto found = find(name);
  if (found == sessions_.end() || now - found->used > kIdle) return false;
  found->used = now;
  return true;
}

void Sessions::end(std::string_view name) {
  if (const auto found = find(name); found != sessions_.end()) sessions_.erase(found);
}

std::vector<Sessions::Session>::iterator Sessions::find(std::string_view name) {
  return std::ranges::find_if(sessions_, [name](const Session& each) {
    return core::equal_in_constant_time(core::bytes_of(each.name.reveal()), core::bytes_of(name));
  });
}

} // namespace admin
