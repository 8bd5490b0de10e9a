// Calls on sockets that wait, for a program that asks one thing after the other.
#pragma once

#include <chrono>
#include <span>
#include <string>

#include "libcore/base/address.h"
#include "libcore/base/bytes.h"
#include "libcore/base/error.h"
#include "libcore/event/fd.h"

namespace rproxyd::probe {

inline constexpr std::chrono::milliseconds kPatience{4000}; // with one address

core::Result<event::Fd> connect_tcp(const core::SocketAddress& to);
core::Result<event::Fd> connect_udp(const core::SocketAddress& to);
core::Result<void> send_all(int fd, core::Bytes bytes);
// At least one byte; 0: the other side has ended. Fails when nothing comes in time.
core::Result<std::size_t> receive(int fd, core::MutableBytes room,
                                  std::chrono::milliseconds patience = kPatience);

} // namespace rproxyd::probe
