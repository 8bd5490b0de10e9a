// A length of time as people say it: the two largest units, "3 d 4 h", "5 m 10 s", "42 s".
#pragma once

#include <chrono>
#include <string>

namespace program {

std::string span(std::chrono::seconds length);

} // namespace program
