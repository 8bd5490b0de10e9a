// The daemon's end of its admin socket: a thread that answers one question after the other. Few
// people ask, rarely, and are patient; no loop of the data path is touched.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "libcore/base/error.h"
#include "libcore/event/fd.h"

namespace admin {

class Server {
 public:
  // Called on the server's thread; takes a line, gives a line.
  using Handler = std::function<std::string(std::string_view question)>;

  // Takes the place of a socket that a daemon has left behind, never of one that is in use. The
  // file can be used by the daemon's user alone.
  static core::Result<std::unique_ptr<Server>> start(std::string path, Handler handler);
  ~Server(); // removes the file
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  Server(std::string path, Handler handler, event::Fd listener, event::Fd stop);
  void serve();
  void answer(int connection) const;

  const std::string path_;
  const Handler handler_;
  const event::Fd listener_;
  const event::Fd stop_; // an eventfd
  std::thread thread_;   // last: it uses all of the above
};

} // namespace admin
