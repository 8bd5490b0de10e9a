// Names, realms and passwords in the one form in which all can compute the same key from them
// (RFC 8489 section 9.2.2): the OpaqueString profile of RFC 8265 section 4.2; for clients of RFC 5389,
// SASLprep (RFC 4013).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stun {

// Printable ASCII: both preparations leave it as it is.
bool is_prepared_ascii(std::string_view text);

// NFC, with ASCII spaces for all others. nullopt: empty, not UTF-8, or with a character that the
// FreeformClass of RFC 8264 disallows (controls, unassigned ones, ones that nobody sees). What stands
// beside a character with a contextual rule is not looked at: a client that does sends none that
// are wrong.
std::optional<std::string> opaque_string(std::string_view text);

// NFKC, with ASCII spaces for all others, and without what is commonly mapped to nothing. nullopt:
// nothing remains, not UTF-8, or with controls. Its further prohibitions are not looked at, since this
// only finds out how an older client may have prepared what OpaqueString allows.
std::optional<std::string> saslprep(std::string_view text);

// opaque_string(), or saslprep() where only that one knows what to do, such as with the soft hyphen
// of the sample in RFC 8489 appendix B.1.
std::optional<std::string> prepared(std::string_view text);

} // namespace stun
