// Numbers as people read them, short enough for a column: "1.2 Mbit/s", "34 kB", "2 h 5 min".
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace program {

std::string bit_rate(double bits_per_second); // decimal units, as networks have them
std::string byte_amount(std::uint64_t bytes); // likewise
std::string time_span(std::chrono::seconds span);
std::string grouped(std::uint64_t number); // "12,345"

} // namespace program
