// What goes over an admin socket: one line of JSON there, one line of JSON back, and the end. The
// socket is a Unix one in the file system, which its permissions keep from everybody but the
// daemon's user.
#pragma once

#include <sys/un.h>

#include <optional>
#include <string>
#include <string_view>

#include "libcore/base/time.h"

namespace admin {

inline constexpr std::size_t kMaxQuestion = std::size_t{64} * 1024;
inline constexpr std::size_t kMaxReply = std::size_t{64} * 1024 * 1024;
// How long the other side may be silent.
inline constexpr core::Duration kPatience = std::chrono::seconds(5);

// nullopt: the path is too long for a socket.
std::optional<sockaddr_un> address_of(const std::string& path);

// A line without its end; nullopt: none came, or it was longer than `most`.
std::optional<std::string> read_line(int socket, std::size_t most);
bool write_line(int socket, std::string_view line);

// Neither side waits for longer than kPatience in one call.
void set_patience(int socket);

} // namespace admin
