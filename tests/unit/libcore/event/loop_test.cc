#include "libcore/event/loop.h"

#include <sys/eventfd.h>

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <thread>

#include "tests/unit/libcore/event/watched_loop.h"

namespace {

using namespace std::chrono_literals;

// A task that calls what it was given.
class Call final : public event::Task {
 public:
  explicit Call(std::function<void()> work) : work_(std::move(work)) {}
  ~Call() = default;
  void run() override { work_(); }

 private:
  std::function<void()> work_;
};

struct Alarm final : event::DeadlineHandler {
  explicit Alarm(std::function<void(int)> does) : call(std::move(does)) {}
  void on_deadline(int kind) override { call(kind); }
  std::function<void(int)> call;
  core::Deadline deadline{static_cast<event::DeadlineHandler*>(this), 7};
};

struct Retired final : event::Retirable {
  explicit Retired(std::function<void()> does) : call(std::move(does)) {}
  ~Retired() override { call(); }
  std::function<void()> call;
};

// Ends a run that would sleep for ever, and fails the test.
struct Watchdog {
  explicit Watchdog(event::Loop& loop)
      : alarm([&loop](int) {
          loop.stop();
          FAIL_CHECK("the loop slept with work to do");
        }) {
    loop.set(alarm.deadline, event::read_now().steady + kPatience);
  }
  Alarm alarm;
};

// ---- the order of things

TEST_CASE("a wake-up goes: posted work, tasks of the one before, deadlines, the end, the retired") {
  event::Loop loop;
  const Watchdog watchdog(loop);
  std::string order;
  Call at_end([&] { order += "end "; });
  Alarm alarm([&](int kind) {
    CHECK(kind == 7);
    order += "deadline ";
  });
  Call next([&] {
    order += "next ";
    loop.stop();
  });
  loop.post([&] {
    order += "posted ";
    loop.run_next(next);
    loop.retire(std::make_unique<Retired>([&] { order += "retired "; }));
    loop.run_at_end(at_end);
    loop.set(alarm.deadline, loop.now().steady - 1s);
    // The clock was read before this: the deadline is not yet due in this wake-up.
    std::this_thread::sleep_for(2 * core::DeadlineWheel::kTick);
  });
  loop.run();
  CHECK(order == "posted end retired next deadline ");
}

TEST_CASE("a task of run_next() runs in the next wake-up, before which the loop doesn't sleep") {
  event::Loop loop;
  const Watchdog watchdog(loop);
  int wake_ups = 0;
  int ran_in = 0;
  Call at_end([&] { ++wake_ups; });
  Call next([&] {
    ran_in = wake_ups;
    loop.stop();
  });
  loop.post([&] {
    loop.run_at_end(at_end);
    loop.run_next(next);
  });
  loop.run();
  CHECK(ran_in == 1); // the end of the wake-up that queued it has passed
}

TEST_CASE("tasks of run_next() that queue themselves let everything else run") {
  event::Loop loop;
  const Watchdog watchdog(loop);
  int rounds = 0;
  Call* self = nullptr;
  Call again([&] {
    ++rounds;
    loop.run_next(*self);
  });
  self = &again;
  Alarm alarm([&](int) { loop.stop(); });
  loop.run_next(again);
  loop.set_after(alarm.deadline, 20ms);
  loop.run();
  CHECK(rounds > 1);
}

TEST_CASE("a task at the end that queues itself doesn't keep the loop from everything else") {
  event::Loop loop;
  const Watchdog watchdog(loop);
  int rounds = 0;
  Call* self = nullptr;
  Call again([&] {
    ++rounds;
    loop.run_at_end(*self);
  });
  self = &again;
  int posted = 0;
  loop.run_at_end(again);
  std::function<void()> more = [&] {
    if (++posted == 3) return loop.stop();
    loop.post([&] { more(); });
  };
  loop.post([&] { more(); });
  loop.run();
  CHECK(posted == 3);
  CHECK(rounds >= event::Loop::kMaxRoundsAtEnd);
}

TEST_CASE("a task is in a queue at most once, and leaves it when it goes") {
  event::Loop loop;
  int runs = 0;
  Call kept([&] { ++runs; });
  {
    Call gone([&] { runs += 1000; });
    loop.run_next(gone);
    loop.run_at_end(gone); // already in a queue
    CHECK(gone.queued());
  }
  loop.run_at_end(kept);
  loop.run_at_end(kept);
  Call stop([&] { loop.stop(); });
  loop.run_next(stop);
  loop.run();
  CHECK(runs == 1);
  CHECK_FALSE(kept.queued());
}

TEST_CASE("a task may destroy another that is queued behind it, and itself") {
  event::Loop loop;
  std::unique_ptr<Call> first;
  std::unique_ptr<Call> second;
  bool second_ran = false;
  first = std::make_unique<Call>([&] { second.reset(); });
  second = std::make_unique<Call>([&] { second_ran = true; });
  std::unique_ptr<Call> third;
  third = std::make_unique<Call>([&] { std::exchange(third, nullptr).release(); });
  const std::unique_ptr<Call> leaked(third.get()); // destroyed here, after it has run
  Call stop([&] { loop.stop(); });
  for (Call* task : {first.get(), second.get(), third.get(), &stop}) loop.run_at_end(*task);
  loop.run();
  CHECK_FALSE(second_ran);
  CHECK_FALSE(third);
}

TEST_CASE("the tasks of a queue that goes are free again") {
  int runs = 0;
  Call task([&] { ++runs; });
  {
    event::TaskQueue queue;
    queue.add(task);
    CHECK_FALSE(queue.empty());
  }
  CHECK_FALSE(task.queued());
  event::TaskQueue other;
  other.add(task);
  other.run();
  CHECK(runs == 1);
}

TEST_CASE("TaskQueue::run() runs what is queued now; what that adds waits for the next call") {
  event::TaskQueue queue;
  std::string order;
  Call second([&] { order += "2"; });
  Call first([&] {
    order += "1";
    queue.add(second);
  });
  queue.add(first);
  queue.run();
  CHECK(order == "1");
  CHECK_FALSE(queue.empty());
  queue.run();
  CHECK(order == "12");
  CHECK(queue.empty());
  queue.run();
  CHECK(order == "12");
}

TEST_CASE("what retired objects leave to do when they go is done before the loop sleeps") {
  event::Loop loop;
  const Watchdog watchdog(loop);
  std::string order;
  Call next([&] { loop.stop(); });
  Call at_end([&] {
    order += "task ";
    loop.run_next(next);
  });
  loop.post([&] {
    loop.retire(std::make_unique<Retired>([&] {
      order += "first ";
      loop.retire(std::make_unique<Retired>([&] {
        order += "second ";
        loop.run_at_end(at_end);
      }));
    }));
  });
  loop.run();
  CHECK(order == "first second task ");
}

// ---- deadlines

TEST_CASE("deadlines fire in their order, not before their time, and can be cancelled or moved") {
  event::Loop loop;
  const Watchdog watchdog(loop);
  std::string order;
  const auto start = loop.now().steady;
  Alarm later([&](int) {
    order += "later ";
    CHECK(loop.now().steady >= start + 60ms);
    loop.stop();
  });
  Alarm sooner([&](int) {
    order += "sooner ";
    CHECK(loop.now().steady >= start + 20ms);
  });
  Alarm cancelled([&](int) { order += "cancelled "; });
  loop.set(later.deadline, start + 1ms);
  loop.set(later.deadline, start + 60ms);
  loop.set(cancelled.deadline, start + 40ms);
  loop.set(sooner.deadline, start + 20ms);
  loop.cancel(cancelled.deadline);
  loop.run();
  CHECK(order == "sooner later ");
}

TEST_CASE("a deadline that is set while the loop sleeps for a later one is met in time") {
  event::Loop loop;
  Alarm hour([&](int) { FAIL_CHECK("slept for an hour"); });
  Alarm soon([&](int) { loop.stop(); });
  loop.set_after(hour.deadline, 1h);
  std::thread other([&] { loop.post([&] { loop.set_after(soon.deadline, 1ms); }); });
  loop.run();
  other.join();
  CHECK_FALSE(soon.deadline.is_set());
  CHECK(hour.deadline.is_set());
}

TEST_CASE("a deadline that sets itself again fires again and again") {
  event::Loop loop;
  const Watchdog watchdog(loop);
  int fired = 0;
  Alarm* self = nullptr;
  Alarm alarm([&](int) {
    if (++fired == 5) return loop.stop();
    loop.set_after(self->deadline, 0ms);
  });
  self = &alarm;
  loop.set_after(alarm.deadline, 0ms);
  loop.run();
  CHECK(fired == 5);
}

TEST_CASE("now() stands still within a wake-up and goes on between them") {
  event::Loop loop;
  const Watchdog watchdog(loop);
  core::TimePoint first{};
  Call next([&] {
    CHECK(loop.now().steady >= first + 5ms);
    loop.stop();
  });
  loop.post([&] {
    first = loop.now().steady;
    std::this_thread::sleep_for(5ms);
    CHECK(loop.now().steady == first);
    loop.run_next(next);
  });
  loop.run();
}

// ---- run, stop, destruction

TEST_CASE("run() returns at once when stop() came first, and can be called again") {
  event::Loop loop;
  loop.stop();
  loop.run();
  int runs = 0;
  for (int i = 0; i < 3; ++i) {
    loop.post([&] {
      ++runs;
      loop.stop();
    });
    loop.run();
  }
  CHECK(runs == 3);
}

TEST_CASE("when run() returns, the tasks at the end have run and what was retired is gone") {
  event::Loop loop;
  std::string order;
  Call at_end([&] { order += "task "; });
  loop.post([&] {
    loop.stop();
    loop.run_at_end(at_end);
    loop.retire(std::make_unique<Retired>([&] { order += "retired "; }));
  });
  loop.run();
  CHECK(order == "task retired ");
}

TEST_CASE("a loop that goes takes with it what was posted and what was retired, unrun") {
  auto held = std::make_shared<int>(1);
  bool ran = false;
  {
    event::Loop loop;
    loop.post([&ran, held] { ran = true; });
    loop.retire(std::make_unique<Retired>(
        [&loop, held] { loop.retire(std::make_unique<Retired>([held] {})); }));
    loop.stop(); // and nobody calls run() again
  }
  CHECK_FALSE(ran);
  CHECK(held.use_count() == 1);
}

TEST_CASE("a loop that has been stopped twice goes without leaving anything behind") {
  event::Loop loop;
  loop.post([&] { loop.stop(); });
  loop.run();
  loop.stop();
}

// ---- other threads

TEST_CASE("work that threads post runs on the loop's thread, each thread's in its order [threads]",
          "[threads]") {
  constexpr int kThreads = 4;
  constexpr int kEach = 2000;
  event::Loop loop;
  const Watchdog watchdog(loop);
  const auto loop_thread = std::this_thread::get_id();
  std::array<int, kThreads> seen{};
  int total = 0;
  int out_of_order = 0;
  int elsewhere = 0;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        loop.post([&, t, i] {
          if (seen[t]++ != i) ++out_of_order;
          if (std::this_thread::get_id() != loop_thread) ++elsewhere;
          if (++total == kThreads * kEach) loop.stop();
        });
      }
    });
  }
  loop.run();
  for (auto& thread : threads) thread.join();
  CHECK(total == kThreads * kEach);
  CHECK(out_of_order == 0);
  CHECK(elsewhere == 0);
}

TEST_CASE("posted work may post more", "[threads]") {
  event::Loop loop;
  const Watchdog watchdog(loop);
  int depth = 0;
  std::function<void()> deeper = [&] {
    if (++depth == 100) return loop.stop();
    loop.post([&] { deeper(); });
  };
  std::thread other([&] { loop.post([&] { deeper(); }); });
  loop.run();
  other.join();
  CHECK(depth == 100);
}

TEST_CASE("the last work that a thread posts may be the loop's end", "[threads]") {
  for (int i = 0; i < 300; ++i) {
    auto loop = std::make_unique<event::Loop>();
    event::Loop* raw = loop.get();
    std::thread other([raw] {
      // Those before it may wake the loop just when the last one stands in the queue.
      for (int before = 0; before < 50; ++before) raw->post([] {});
      raw->post([raw] { raw->stop(); });
    });
    loop->run();
    loop.reset(); // the other thread may not have returned from post() yet
    other.join();
  }
}

TEST_CASE(
    "while polling is paused nothing is told, and work goes on; afterwards nothing is missing") {
  for (const auto trigger : {event::Trigger::edge, event::Trigger::level}) {
    event::Loop loop;
    const Watchdog watchdog(loop);
    const event::Fd counter(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    struct Told final : event::ReadyHandler {
      explicit Told(event::Loop& told) : loop(told) {}
      void on_ready(event::Readiness) override {
        ++times;
        loop.stop();
      }
      event::Loop& loop;
      int times = 0;
    } told(loop);
    REQUIRE(loop.poller().add(counter.get(), event::Interest::read, trigger, told));
    loop.pause_polling();
    REQUIRE(::eventfd_write(counter.get(), 1) == 0);
    int rounds = 0;
    std::function<void()> again = [&] {
      if (++rounds < 10) return loop.post([&] { again(); });
      CHECK(told.times == 0);
      loop.resume_polling();
      loop.resume_polling(); // changes nothing
    };
    loop.post([&] { again(); });
    loop.run();
    CHECK(rounds == 10);
    CHECK(told.times == 1);
    loop.poller().remove(counter.get(), told);
  }
}

} // namespace
