#include "libcore/take_over/channel.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <thread>

#include "tests/unit/libcore/take_over/pair.h"

namespace {

using take_over::Channel;
using take_over::Kind;

constexpr core::Duration kAtOnce = std::chrono::milliseconds(50);

} // namespace

TEST_CASE("a message arrives with its state and its descriptors, in their order") {
  auto [left, right] = connected_pair();
  Channel sender(std::move(left));
  Channel receiver(std::move(right));
  std::vector<event::Fd> counters; // the number of each is what can be read from it
  std::vector<int> borrowed;
  for (unsigned i = 1; i <= 600; ++i) { // three batches
    counters.emplace_back(::eventfd(i, EFD_CLOEXEC | EFD_NONBLOCK));
    borrowed.push_back(counters.back().get());
  }
  nlohmann::json state{{"key", nlohmann::json::binary({1, 2, 0, 255})},
                       {"text", std::string(3 << 20, 'x')}}; // more than a socket buffers
  core::Result<void> sent;
  std::thread sending([&] { sent = sender.send(Kind::portion, state, borrowed); });
  auto message = receiver.receive();
  sending.join();
  REQUIRE(sent);
  REQUIRE(message);
  CHECK(message->kind == Kind::portion);
  CHECK(message->state == state);
  REQUIRE(message->descriptors.size() == 600);
  for (unsigned i = 1; i <= 600; ++i) {
    eventfd_t value = 0;
    REQUIRE(::eventfd_read(message->descriptors[i - 1].get(), &value) == 0);
    CHECK(value == i);
    CHECK((::fcntl(message->descriptors[i - 1].get(), F_GETFD) & FD_CLOEXEC) != 0);
  }
}

TEST_CASE("what is not a message, or too much for one, is refused") {
  auto [left, right] = connected_pair();
  Channel receiver(std::move(right));
  SECTION("other bytes") {
    REQUIRE(::write(left.get(), "GET / HTTP/1.1\r\n\r\n", 18) == 18);
    CHECK(receiver.receive(kAtOnce).error().text.contains("no message"));
  }
  SECTION("a state that is no CBOR") {
    Channel sender(event::Fd(::dup(left.get())));
    REQUIRE(sender.send(Kind::note, "text"));
    std::array<char, 64> bytes{};
    const ssize_t size = ::read(receiver.socket(), bytes.data(), bytes.size());
    REQUIRE(size > 16);
    bytes[16] = '\x7f'; // "indefinite text", of which nothing follows that may
    REQUIRE(::write(left.get(), bytes.data(), static_cast<std::size_t>(size)) == size);
    CHECK(receiver.receive(kAtOnce).error().text.contains("damaged"));
  }
  SECTION("more state than kMaxState") {
    Channel sender(std::move(left));
    CHECK(sender.send(Kind::note, std::string(take_over::kMaxState, 'x'))
              .error()
              .text.contains("too much"));
  }
  SECTION("more descriptors than kMaxDescriptors") {
    Channel sender(std::move(left));
    const std::vector<int> many(take_over::kMaxDescriptors + 1, 0);
    CHECK(sender.send(Kind::note, {}, many).error().text.contains("too much"));
  }
}

TEST_CASE("silence and an end are told apart") {
  auto [left, right] = connected_pair();
  Channel here(std::move(left));
  CHECK(here.receive(kAtOnce).error().text.contains("silent"));
  CHECK_FALSE(here.ended());
  right.reset();
  CHECK_FALSE(here.receive(kAtOnce));
  CHECK(here.ended());
  CHECK_FALSE(here.send(Kind::ready));
  CHECK(here.ended());
}

TEST_CASE("a process that may open fewer descriptors than it is given says so") {
  auto [left, right] = connected_pair();
  Channel sender(std::move(left));
  Channel receiver(std::move(right));
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const event::Fd highest(::dup(0));
  const std::vector<int> borrowed(100, highest.get());
  core::Result<void> sent;
  std::thread sending([&] { sent = sender.send(Kind::portion, {}, borrowed); });
  rlimit few = before;
  few.rlim_cur = static_cast<rlim_t>(highest.get()) + 20;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  const auto message = receiver.receive();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE_FALSE(message);
  CHECK(message.error().text.contains("of 100 descriptors came"));
  {
    const Channel closing = Channel(event::Fd());
  }
  receiver.take_no_more();
  ::shutdown(receiver.socket(), SHUT_RDWR);
  sending.join();
  CHECK_FALSE(sent);
}

TEST_CASE("after take_no_more() a message has either arrived or could not be sent") {
  auto [left, right] = connected_pair();
  Channel sender(std::move(left));
  Channel receiver(std::move(right));
  REQUIRE(sender.send(Kind::serving));
  receiver.take_no_more();
  CHECK_FALSE(sender.send(Kind::serving));
  CHECK(sender.ended());
  CHECK(receiver.receive(core::Duration::zero())->kind == Kind::serving);
  CHECK_FALSE(receiver.receive(core::Duration::zero()));
  REQUIRE(receiver.send(Kind::kept, "why")); // that way it is still open
  CHECK(sender.receive()->state == "why");
}
