#include "libcore/event/proxy_headers.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace event {
namespace {

ssize_t receive(int fd, core::MutableBytes room, int flags) {
  ssize_t count = 0;
  do {
    count = ::recv(fd, room.data(), room.size(), flags);
  } while (count < 0 && errno == EINTR);
  return count;
}

} // namespace

class ProxyHeaders::Connection final : public Retirable,
                                       private ReadyHandler,
                                       private DeadlineHandler {
 public:
  Connection(ProxyHeaders& owner, Fd connected, const core::SocketAddress& from)
      : fd(std::move(connected)), proxy(from), owner_(owner) {}
  ~Connection() override { stop(); }

  // Edge-triggered: bytes that stay in the socket don't wake it up again, new ones do.
  bool start() {
    watched_ = owner_.loop_.poller().add(fd.get(), Interest::read, Trigger::edge, *this);
    owner_.loop_.set_after(deadline_, kWait);
    return watched_;
  }
  void stop() {
    if (watched_) owner_.loop_.poller().remove(fd.get(), *this);
    watched_ = false;
    owner_.loop_.cancel(deadline_);
  }

  Fd fd;
  const core::SocketAddress proxy;

 private:
  void on_ready(Readiness readiness) override { owner_.read(*this, readiness); }
  void on_deadline(int) override { owner_.fail(*this, "the PROXY header did not come in time"); }

  ProxyHeaders& owner_;
  bool watched_ = false;
  core::Deadline deadline_{static_cast<DeadlineHandler*>(this)};
};

ProxyHeaders::ProxyHeaders(Loop& loop, Arrived arrived, Failed failed)
    : loop_(loop), arrived_(std::move(arrived)), failed_(std::move(failed)) {}

ProxyHeaders::~ProxyHeaders() = default;

void ProxyHeaders::expect(Fd fd, const core::SocketAddress& proxy) {
  auto connection = std::make_unique<Connection>(*this, std::move(fd), proxy);
  if (!connection->start()) return failed_(proxy, std::strerror(errno));
  waiting_.emplace(connection.get(), std::move(connection));
}

void ProxyHeaders::read(Connection& connection, Readiness readiness) {
  std::array<std::uint8_t, proxy_protocol::kLongestHeader> room{};
  const ssize_t count = receive(connection.fd.get(), room, MSG_PEEK);
  if (count < 0) {
    if (errno != EAGAIN) fail(connection, std::strerror(errno));
    return;
  }
  const core::Bytes start(room.data(), static_cast<std::size_t>(count));
  const auto parsed = proxy_protocol::parse(start);
  if (!parsed) return fail(connection, proxy_protocol::describe(parsed.error()));
  const std::optional<proxy_protocol::Header>& header = *parsed;
  if (!header) {
    if (count == 0 || readiness.ended) {
      fail(connection, "the connection ended before the PROXY header did");
    }
    return;
  }
  receive(connection.fd.get(), core::MutableBytes(room).first(header->size), 0);
  auto owned = take(connection);
  arrived_(std::move(owned->fd), owned->proxy, header->endpoints);
  loop_.retire(std::move(owned));
}

void ProxyHeaders::fail(Connection& connection, std::string_view why) {
  auto owned = take(connection);
  owned->fd.reset();
  failed_(owned->proxy, why);
  loop_.retire(std::move(owned));
}

std::unique_ptr<ProxyHeaders::Connection> ProxyHeaders::take(Connection& connection) {
  const auto found = waiting_.find(&connection);
  auto owned = std::move(found->second);
  waiting_.erase(found);
  owned->stop();
  return owned;
}

} // namespace event
