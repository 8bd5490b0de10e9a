// Our STUN codec for another one to be held against: a request a line, an answer a line
// (tests/integration/turn/test_turn_codec.py).
//
//   read KEY MESSAGE                    what we read in it, or "refused"
//   write KEY METHOD CLASS ID VALUE…    a signed message; a value is TYPE:v:BYTES, TYPE:a:ADDRESS, TYPE:x:ADDRESS (XORed)
//                                       or TYPE:e:NUMBER:REASON
//
// Bytes are in hexadecimal, "-" for none.
#include <algorithm>
#include <array>
#include <charconv>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "libcore/stun/builder.h"
#include "libcore/stun/integrity.h"
#include "libcore/stun/message.h"
#include "tests/unit/libcore/stun/hex.h"

namespace {

std::vector<std::uint8_t> bytes_in(std::string_view text) {
  return text == "-" ? std::vector<std::uint8_t>{} : hex(text);
}

std::string hex_of(core::Bytes bytes) {
  if (bytes.empty()) return "-";
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

unsigned number_in(std::string_view text) {
  unsigned number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ':');) parts.push_back(part);
  return parts;
}

std::string said_of(std::optional<bool> right) {
  if (!right) return "absent";
  return *right ? "right" : "wrong";
}

std::string read(core::Bytes key, core::Bytes bytes) {
  const auto message = stun::Message::parse(bytes);
  if (!message) return "refused";
  std::ostringstream out;
  out << static_cast<unsigned>(message->method()) << ' '
      << static_cast<unsigned>(message->message_class()) << ' '
      << hex_of(message->transaction_id());
  const auto given = [](bool there, bool right) {
    return there ? std::optional(right) : std::nullopt;
  };
  out << ' '
      << said_of(given(message->integrity_offset().has_value(),
                       stun::has_valid_integrity(*message, key)))
      << ' '
      << said_of(given(message->fingerprint_offset().has_value(),
                       stun::fingerprint_is_right_or_absent(*message)));
  message->for_each([&](std::uint16_t type, core::Bytes value) {
    out << ' ' << type << '=' << hex_of(value);
    if (const auto plain = stun::decode_address(value)) out << ",a=" << plain->to_string();
    if (const auto masked = stun::decode_xor_address(value, message->transaction_id()))
      out << ",x=" << masked->to_string();
  });
  return out.str();
}

void add(stun::MessageBuilder& message, const std::vector<std::string>& value,
         const std::string& whole) {
  const auto type = static_cast<stun::Attribute>(number_in(value.at(0)));
  const std::string& kind = value.at(1);
  const std::string rest = whole.substr(value.at(0).size() + kind.size() + 2);
  if (kind == "v") message.add(type, bytes_in(rest));
  if (kind == "a") message.add_address(type, *core::SocketAddress::parse(rest));
  if (kind == "x") message.add_xor_address(type, *core::SocketAddress::parse(rest));
  if (kind == "e") {
    const auto reason = bytes_in(value.at(3));
    message.add_error(static_cast<stun::ErrorCode>(number_in(value.at(2))), core::text_of(reason));
  }
}

std::string write(core::Bytes key, const std::vector<std::string>& words) {
  std::array<std::uint8_t, 4096> room{};
  stun::TransactionId id{};
  std::ranges::copy(bytes_in(words.at(4)), id.begin());
  stun::MessageBuilder message(room, static_cast<stun::Method>(number_in(words.at(2))),
                               static_cast<stun::Class>(number_in(words.at(3))), id);
  for (std::size_t i = 5; i < words.size(); ++i) add(message, parts_of(words[i]), words[i]);
  message.sign(key);
  message.add_fingerprint();
  return hex_of(message.finish());
}

} // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    const std::vector<std::string> words{std::istream_iterator<std::string>(in), {}};
    const auto key = bytes_in(words.at(1));
    std::cout << (words.at(0) == "read" ? read(key, bytes_in(words.at(2))) : write(key, words))
              << '\n';
  }
}
