#include "libcore/stun/opaque_string.h"

#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace stun {
namespace {

constexpr ucs4_t kSpace = 0x20;

bool is_ascii7(ucs4_t c) { return c >= 0x21 && c <= 0x7e; } // RFC 8264 section 9.11

bool is_other_space(ucs4_t c) { return c != kSpace && uc_is_general_category(c, UC_CATEGORY_Zs); }

bool is_old_hangul_jamo(ucs4_t c) { // RFC 8264 section 9.9, RFC 5892 section 2.9
  return (c >= 0x1100 && c <= 0x11ff) || (c >= 0xa960 && c <= 0xa97c) ||
         (c >= 0xd7b0 && c <= 0xd7fb);
}

// RFC 8264 section 9.6, RFC 5892 section 2.6: characters that the rules below would let pass.
bool is_excepted(ucs4_t c) {
  return c == 0x0640 || c == 0x07fa || c == 0x302e || c == 0x302f || (c >= 0x3031 && c <= 0x3035) ||
         c == 0x303b;
}

// RFC 8264 section 8, in its order, for the FreeformClass; spaces have been mapped.
bool is_freeform(ucs4_t c) {
  if (is_excepted(c)) return false;
  if (c == kSpace || is_ascii7(c)) return true;
  if (uc_is_general_category(c, UC_CATEGORY_Cn)) return false; // unassigned, and noncharacters
  if (uc_is_property_join_control(c)) return true;             // contextual
  if (is_old_hangul_jamo(c)) return false;
  if (uc_is_property_default_ignorable_code_point(c)) return false;
  return uc_is_general_category(c, UC_CATEGORY_L) || uc_is_general_category(c, UC_CATEGORY_M) ||
         uc_is_general_category(c, UC_CATEGORY_N) || uc_is_general_category(c, UC_CATEGORY_S) ||
         uc_is_general_category(c, UC_CATEGORY_P);
}

bool is_mapped_to_nothing(ucs4_t c) { // RFC 3454 table B.1
  return c == 0x00ad || c == 0x034f || c == 0x1806 || (c >= 0x180b && c <= 0x180d) ||
         (c >= 0x200b && c <= 0x200d) || c == 0x2060 || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff;
}

enum class Keep : std::uint8_t { as_it_is, as_space, not_at_all, refuse };

// Calls judge(character) -> Keep for each; nullopt when it refuses one, or for what isn't UTF-8.
template <typename Judge>
std::optional<std::string> mapped(std::string_view text, Judge&& judge) {
  std::string out;
  out.reserve(text.size());
  const auto* at = reinterpret_cast<const std::uint8_t*>(text.data());
  std::size_t left = text.size();
  while (left > 0) {
    ucs4_t character = 0;
    const int size = u8_mbtoucr(&character, at, left);
    if (size <= 0) return std::nullopt;
    switch (judge(character)) {
      case Keep::as_it_is:
        out.append(reinterpret_cast<const char*>(at), static_cast<std::size_t>(size));
        break;
      case Keep::as_space:
        out.push_back(' ');
        break;
      case Keep::not_at_all:
        break;
      case Keep::refuse:
        return std::nullopt;
    }
    at += size;
    left -= static_cast<std::size_t>(size);
  }
  return out;
}

std::optional<std::string> normalized(uninorm_t form, const std::string& text) {
  std::size_t size = 0;
  const std::unique_ptr<std::uint8_t, void (*)(void*)> normal(
      u8_normalize(form, reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), nullptr,
                   &size),
      &std::free);
  if (!normal || size == 0) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(normal.get()), size);
}

} // namespace

bool is_prepared_ascii(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; });
}

// RFC 8265 section 4.2.2, in its order; what normalization brings in is judged too.
std::optional<std::string> opaque_string(std::string_view text) {
  if (is_prepared_ascii(text)) return std::string(text);
  const auto spaced =
      mapped(text, [](ucs4_t c) { return is_other_space(c) ? Keep::as_space : Keep::as_it_is; });
  if (!spaced) return std::nullopt;
  const auto normal = normalized(UNINORM_NFC, *spaced);
  if (!normal) return std::nullopt;
  return mapped(*normal, [](ucs4_t c) { return is_freeform(c) ? Keep::as_it_is : Keep::refuse; });
}

// RFC 4013 section 2.
std::optional<std::string> saslprep(std::string_view text) {
  if (is_prepared_ascii(text)) return std::string(text);
  const auto plain = mapped(text, [](ucs4_t c) {
    if (is_mapped_to_nothing(c)) return Keep::not_at_all;
    return is_other_space(c) ? Keep::as_space : Keep::as_it_is;
  });
  if (!plain) return std::nullopt;
  const auto normal = normalized(UNINORM_NFKC, *plain);
  if (!normal) return std::nullopt;
  return mapped(*normal, [](ucs4_t c) {
    return uc_is_general_category(c, UC_CATEGORY_Cc) ? Keep::refuse : Keep::as_it_is;
  });
}

std::optional<std::string> prepared(std::string_view text) {
  auto result = opaque_string(text);
  return result ? result : saslprep(text);
}

} // namespace stun
