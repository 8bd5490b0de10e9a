// Both sides of a take-over, and each alone against a test that breaks off at every step.
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "libcore/admin/wire.h"
#include "libcore/take_over/giving.h"
#include "libcore/take_over/taking.h"

namespace {

using take_over::Channel;
using take_over::Giving;
using take_over::Kind;
using take_over::Message;
using take_over::Portions;
using take_over::Taking;

constexpr auto kLong = std::chrono::seconds(10);

// A daemon's side that notes what it was told.
class Daemon final : public take_over::Giver {
 public:
  core::Result<void> offer(Portions& to) override {
    note("offer");
    if (!objection.empty()) return core::failure(objection);
    const int fd = counter.get();
    return to.add({{"what", "listener"}}, {&fd, 1});
  }
  core::Result<void> hand_over(Portions& to) override {
    note("hand_over");
    return to.add({{"what", "rest"}});
  }
  void resume() override { note("resume"); }
  void given(std::shared_ptr<Channel> to) override {
    notes = std::move(to);
    note("given");
  }

  bool comes_to(const std::string& expected) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kLong, [&] { return calls_ == expected; });
  }
  std::string calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

  event::Fd counter{::eventfd(7, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::string objection;
  std::shared_ptr<Channel> notes;

 private:
  void note(std::string_view call) {
    const std::lock_guard lock(mutex_);
    calls_ += (calls_.empty() ? "" : " ") + std::string(call);
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string calls_;
};

// A path where a daemon would listen.
class Door {
 public:
  Door() {
    std::string made = "/tmp/vestibule-take-over-XXXXXX";
    REQUIRE(mkdtemp(made.data()) != nullptr);
    folder_ = made;
    const auto address = *admin::address_of(path());
    listener_ = event::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
            0);
    REQUIRE(::listen(listener_.get(), 4) == 0);
  }
  ~Door() { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ + "/socket"; }
  event::Fd accept() const {
    return event::Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  event::Fd knock() const {
    const auto address = *admin::address_of(path());
    event::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return fd;
  }

 private:
  std::string folder_;
  event::Fd listener_;
};

nlohmann::json question() {
  return {{"command", "take-over"}, {"program", "d"}, {"protocol", take_over::kProtocol}};
}

// The admin server's part: passes on who asks to take over.
void pass_on(const Door& door, Giving& giving) {
  event::Fd connection = door.accept();
  const auto line = admin::read_line(connection.get(), admin::kMaxQuestion);
  REQUIRE(line);
  giving.begin(std::move(connection), nlohmann::json::parse(*line));
}

core::Result<void> take(Message&) { return {}; }

} // namespace

TEST_CASE("a take-over: what the old process gives, the new one has, and then the work is its") {
  const Door door;
  Daemon daemon;
  logging::Logger log(logging::Level::error);
  Giving giving("d", daemon, log);
  std::thread server([&] { pass_on(door, giving); });
  auto taking = Taking::begin(door.path(), "d");
  server.join();
  REQUIRE(taking);
  CHECK(taking->predecessor() == ::getpid());

  std::vector<Message> taken;
  const auto keep = [&](Message& portion) {
    taken.push_back(std::move(portion));
    return core::Result<void>();
  };
  REQUIRE(taking->offer(keep));
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].state["what"] == "listener");
  eventfd_t value = 0;
  REQUIRE(taken[0].descriptors.size() == 1);
  CHECK(::eventfd_read(taken[0].descriptors[0].get(), &value) == 0);
  CHECK(value == 7);
  CHECK(daemon.calls() == "offer");

  REQUIRE(taking->remainder(keep));
  REQUIRE(taken.size() == 2);
  CHECK(taken[1].state["what"] == "rest");
  CHECK(daemon.calls() == "offer hand_over");
  REQUIRE(taking->serve());
  CHECK(daemon.comes_to("offer hand_over given"));

  REQUIRE(daemon.notes->send(Kind::note, 42));
  CHECK(taking->notes()->receive()->state == 42);

  SECTION("and nobody else can have it") {
    std::thread again([&] { pass_on(door, giving); });
    auto late = Taking::begin(door.path(), "d");
    again.join();
    REQUIRE(late);
    CHECK(late->offer(take).error().text.contains("has been taken over from already"));
    CHECK_FALSE(late->predecessor_died());
  }
}

TEST_CASE("a new process that ends at any step leaves the old one serving") {
  const Door door;
  Daemon daemon;
  logging::Logger log(logging::Level::error);
  Giving giving("d", daemon, log);
  auto ours = door.knock();
  auto theirs = door.accept();
  std::optional<Channel> successor(std::in_place, std::move(ours));
  std::string expected;

  SECTION("at once") {
    successor.reset();
    giving.begin(std::move(theirs), question());
    expected = "offer";
  }
  SECTION("with descriptors on their way") {
    giving.begin(std::move(theirs), question());
    REQUIRE(daemon.comes_to("offer"));
    successor.reset();
    expected = "offer";
  }
  SECTION("before it says that it is ready") {
    giving.begin(std::move(theirs), question());
    REQUIRE(successor->receive()->kind == Kind::portion);
    REQUIRE(successor->receive()->kind == Kind::offered);
    successor.reset();
    expected = "offer";
  }
  SECTION("with a reason") {
    giving.begin(std::move(theirs), question());
    REQUIRE(successor->receive()->kind == Kind::portion);
    REQUIRE(successor->receive()->kind == Kind::offered);
    REQUIRE(successor->send(Kind::refused, "too tired"));
    const auto answer = successor->receive();
    CHECK(answer->kind == Kind::kept);
    CHECK(answer->state == "too tired");
    expected = "offer";
  }
  SECTION("when it says what is not its turn") {
    giving.begin(std::move(theirs), question());
    REQUIRE(successor->receive()->kind == Kind::portion);
    REQUIRE(successor->receive()->kind == Kind::offered);
    REQUIRE(successor->send(Kind::serving));
    CHECK(successor->receive()->kind == Kind::kept);
    expected = "offer";
  }
  SECTION("when it holds everything") {
    giving.begin(std::move(theirs), question());
    REQUIRE(successor->receive()->kind == Kind::portion);
    REQUIRE(successor->receive()->kind == Kind::offered);
    REQUIRE(successor->send(Kind::ready));
    REQUIRE(successor->receive()->kind == Kind::portion);
    REQUIRE(successor->receive()->kind == Kind::handed);
    successor.reset();
    expected = "offer hand_over resume";
  }
  SECTION("with a daemon that can't give") {
    daemon.objection = "I am about to end";
    giving.begin(std::move(theirs), question());
    const auto answer = successor->receive();
    CHECK(answer->kind == Kind::kept);
    CHECK(answer->state == "I am about to end");
    expected = "offer";
  }
  REQUIRE(daemon.comes_to(expected));

  // And the next one may have it.
  daemon.objection.clear();
  successor.reset();
  std::optional<Channel> next;
  std::optional<Message> portion;
  for (int i = 0; i < 1000 && !portion; ++i) { // the one before may not have come to its end yet
    next.emplace(door.knock());
    giving.begin(door.accept(), question());
    auto got = next->receive();
    REQUIRE(got);
    if (got->kind == Kind::portion) portion = std::move(*got);
    std::this_thread::yield();
  }
  REQUIRE(portion);
  REQUIRE(next->receive()->kind == Kind::offered);
  REQUIRE(next->send(Kind::ready));
  REQUIRE(next->receive()->kind == Kind::portion);
  REQUIRE(next->receive()->kind == Kind::handed);
  REQUIRE(next->send(Kind::serving));
  CHECK(daemon.comes_to(expected + " offer hand_over given"));
}

TEST_CASE("who may not take over is told why, and the daemon hears nothing of it") {
  const Door door;
  Daemon daemon;
  logging::Logger log(logging::Level::error);
  Giving giving("d", daemon, log);
  const auto answer = [&](const nlohmann::json& asked) {
    Channel successor(door.knock());
    giving.begin(door.accept(), asked);
    const auto got = successor.receive();
    REQUIRE(got);
    CHECK(got->kind == Kind::kept);
    return got->state.get<std::string>();
  };
  auto other = question();
  other["program"] = "e";
  CHECK(answer(other) == "this is d");
  auto newer = question();
  newer["protocol"] = take_over::kProtocol + 1;
  CHECK(answer(newer).contains("speaks version 1"));
  newer.erase("protocol");
  CHECK(answer(newer).contains("speaks version 1"));
  CHECK(answer("take-over") == "it asks for nothing");

  Channel first(door.knock());
  giving.begin(door.accept(), question());
  REQUIRE(first.receive()->kind == Kind::portion);
  CHECK(answer(question()) == "a take-over is in progress");
  CHECK(daemon.calls() == "offer");
}

TEST_CASE("a daemon that ends does not wait for a new process that is busy making itself ready") {
  const Door door;
  Daemon daemon;
  logging::Logger log(logging::Level::error);
  std::optional<Giving> giving(std::in_place, "d", daemon, log);
  Channel successor(door.knock());
  giving->begin(door.accept(), question());
  REQUIRE(successor.receive()->kind == Kind::portion);
  REQUIRE(successor.receive()->kind == Kind::offered);
  giving.reset();
  CHECK_FALSE(successor.receive());
  CHECK(successor.ended());
}

// ---- the new one alone

namespace {

// What an old process does, by hand.
struct Predecessor {
  explicit Predecessor(const Door& door)
      : thread([&] {
          connection = door.accept();
          static_cast<void>(admin::read_line(connection.get(), admin::kMaxQuestion));
        }) {}
  event::Fd heard() {
    thread.join();
    return std::move(connection);
  }
  event::Fd connection;
  std::thread thread;
};

} // namespace

TEST_CASE("an old process that dies leaves the new one to serve with what it has, or not at all") {
  const Door door;
  Predecessor predecessor(door);
  std::optional<Taking> taking;
  std::thread asking([&] {
    auto begun = Taking::begin(door.path(), "d");
    if (begun) taking.emplace(*std::move(begun));
  });
  std::optional<Channel> old(std::in_place, predecessor.heard());
  REQUIRE(old->send(Kind::portion, 1));
  asking.join();
  REQUIRE(taking);

  SECTION("before all is offered") {
    old.reset();
    CHECK_FALSE(taking->offer(take));
    CHECK(taking->predecessor_died());
  }
  SECTION("before the rest is handed over") {
    REQUIRE(old->send(Kind::offered));
    REQUIRE(taking->offer(take));
    old.reset();
    CHECK_FALSE(taking->remainder(take));
    CHECK(taking->predecessor_died());
  }
  SECTION("when everything is handed over") {
    REQUIRE(old->send(Kind::offered));
    REQUIRE(taking->offer(take));
    REQUIRE(old->send(Kind::handed));
    REQUIRE(taking->remainder(take));
    old.reset();
    CHECK(taking->serve());
    CHECK(taking->predecessor_died());
    CHECK(taking->notes() == nullptr);
  }
  SECTION("but not when the old one has only given up on it") {
    REQUIRE(old->send(Kind::offered));
    REQUIRE(taking->offer(take));
    REQUIRE(old->send(Kind::handed));
    REQUIRE(taking->remainder(take));
    old->take_no_more();
    REQUIRE(old->send(Kind::kept, "too slow"));
    const auto served = taking->serve();
    REQUIRE_FALSE(served);
    CHECK(served.error().text == "the running daemon serves on: too slow");
    CHECK_FALSE(taking->predecessor_died());
  }
}

TEST_CASE("what a new process can't use it refuses, and says why") {
  const Door door;
  Predecessor predecessor(door);
  std::optional<Taking> taking;
  std::thread asking([&] {
    auto begun = Taking::begin(door.path(), "d");
    if (begun) taking.emplace(*std::move(begun));
  });
  Channel old(predecessor.heard());
  REQUIRE(old.send(Kind::portion, 1));
  asking.join();
  REQUIRE(taking);
  const auto refuse = [](Message&) -> core::Result<void> { return core::failure("not this"); };
  CHECK(taking->offer(refuse).error().text == "not this");
  const auto said = old.receive();
  REQUIRE(said);
  CHECK(said->kind == Kind::refused);
  CHECK(said->state == "not this");
  taking.reset();
  CHECK_FALSE(old.receive());
  CHECK(old.ended());
}

TEST_CASE("a daemon that knows no take-over answers in its own words") {
  const Door door;
  Predecessor predecessor(door);
  core::Result<void> outcome;
  std::thread asking([&] {
    const auto begun = Taking::begin(door.path(), "d");
    if (!begun) outcome = std::unexpected(begun.error());
  });
  Channel old(predecessor.heard());
  REQUIRE(admin::write_line(old.socket(), R"({"error":"unknown command"})"));
  asking.join();
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().text ==
        R"(the running daemon can't be taken over from: {"error":"unknown command"})");

  CHECK(Taking::begin("/nowhere/at/all", "d").error().text.contains("No such file or directory"));
}
