// The daemon's end of its admin socket: a thread that answers one question after the other. Few
// people ask, rarely, and are patient; no loop of the data path is touched.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "libcore/admin/commands.h"
#include "libcore/base/error.h"
#include "libcore/event/fd.h"

namespace admin {

class Server {
 public:
  // Takes the place of a socket that a daemon has left behind, and of one that is in use only if it
  // `replaces` that daemon: then whoever connects at any moment reaches one of the two. The file can
  // be used by the daemon's user alone. Borrows the commands, which are carried out on its thread.
  static core::Result<std::unique_ptr<Server>> start(std::string path, const Commands& commands,
                                                     bool replaces = false);
  ~Server(); // removes the file, unless it is another server's by now, or about to be
  // Another one replaces this one; it may be doing so just now. From any thread.
  void hand_over() { handed_over_ = true; }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  Server(std::string path, const Commands& commands, event::Fd listener, event::Fd stop,
         std::uint64_t inode);
  void serve();
  void answer(int connection) const;

  const std::string path_;
  const Commands& commands_;
  const event::Fd listener_;
  const std::uint64_t inode_; // of the file
  std::atomic<bool> handed_over_ = false;
  const event::Fd stop_; // an eventfd
  std::thread thread_;   // last: it uses all of the above
};

} // namespace admin
