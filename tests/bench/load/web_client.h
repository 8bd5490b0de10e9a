// One HTTPS connection of a client, in either version, with the requests that the benchmark makes.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <string>

#include "libcore/base/address.h"
#include "libcore/event/fd.h"
#include "tests/bench/load/latencies.h"

namespace bench {

struct WebRequest {
  core::SocketAddress server;
  bool h2 = false;
  std::string path = "/";
};

// Of the last connection that got one.
bssl::UniquePtr<SSL_SESSION> last_session();

class WebClient {
 public:
  // By calls that wait until the answer to its first request is there; after that, readable bytes are read by drain().
  WebClient(const WebRequest& request, SSL_SESSION* session);

  int fd() const { return fd_.get(); }
  bool resumed() const { return resumed_; }

  void ask_again(); // when the answer before is complete
  bool answered() const { return answered_; }

  // Of an event stream: how many came, and how long each had been under way.
  std::uint64_t events() const { return events_; }
  void count_latencies(Latencies* latencies) { latencies_ = latencies; }

  void drain();
  void close();

 private:
  void read_once();
  void read_frames();
  void count_events(std::string_view bytes);

  event::Fd fd_;
  bssl::UniquePtr<SSL> ssl_;
  const WebRequest& request_;
  std::uint32_t stream_ = 1; // of the last request, in HTTP/2
  bool resumed_ = false;
  bool began_ = false;    // the first answer
  bool answered_ = false; // the last request, wholly
  std::uint64_t events_ = 0;
  Latencies* latencies_ = nullptr;
  std::string frames_;
};

} // namespace bench
