// A command as a Redis server reads it: an array of strings.
//
//   *2\r\n $4\r\nAUTH\r\n $6\r\nsecret\r\n
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace resp {

void append_command(std::string& out, std::span<const std::string_view> words);
void append_command(std::string& out, std::span<const std::string> words);

} // namespace resp
