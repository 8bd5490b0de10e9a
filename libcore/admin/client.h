// A command's end of the admin socket.
#pragma once

#include <string>
#include <string_view>

#include "libcore/base/error.h"

namespace admin {

// The daemon's reply to one line. The error says what to look for when there is none.
core::Result<std::string> ask(const std::string& path, std::string_view question);

} // namespace admin
