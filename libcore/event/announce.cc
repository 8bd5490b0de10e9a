#include "libcore/event/announce.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "libcore/event/fd.h"

namespace event {

core::Result<void> announce(const std::string& path, const std::vector<BoundListener>& listeners) {
  std::string text = "{\"listeners\":[";
  for (const BoundListener& listener : listeners) {
    if (text.back() == '}') text += ',';
    text += fmt::format(R"({{"transport":"{}","address":"{}"}})", listener.transport,
                        listener.address.to_string());
  }
  text += "]}\n";

  const std::string beside = path + ".new";
  const auto failed = [&] {
    return core::failure(fmt::format("{}: can't be written: {}", path, std::strerror(errno)));
  };
  Fd file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file) return failed();
  for (std::string_view left = text; !left.empty();) {
    const ssize_t count = ::write(file.get(), left.data(), left.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed();
    left.remove_prefix(static_cast<std::size_t>(count));
  }
  file.reset(); // whoever waits for the name finds nothing half done, not even a descriptor
  if (::rename(beside.c_str(), path.c_str()) != 0) return failed();
  return {};
}

} // namespace event
