#include "rproxyd/shell/survey.h"

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct Count {
  int value = 0;
  Count& operator+=(const Count& other) {
    value += other.value;
    return *this;
  }
};

using Survey = rproxyd::Survey<Count>;

// A worker that is asked: it answers at once, or when `waiting` is run.
struct Worker {
  int value = 0;
  bool hangs = false;
  std::vector<Survey::Work> waiting;

  Survey::Asked asked() {
    return {.post =
                [this](Survey::Work work) {
                  if (!hangs) return work();
                  waiting.push_back(std::move(work));
                },
            .copy = [this] { return Count{value}; }};
  }
};

} // namespace

TEST_CASE("a survey is the sum of what all workers say") {
  Worker one{.value = 3, .waiting = {}};
  Worker two{.value = 4, .waiting = {}};
  Survey survey({one.asked(), two.asked()});
  const auto result = survey.ask();
  CHECK(result.sum.value == 7);
  CHECK(result.answered == 2);
}

TEST_CASE("an answer from another thread is waited for") {
  std::vector<std::jthread> threads;
  Survey survey({{.post =
                      [&](Survey::Work work) {
                        threads.emplace_back([work = std::move(work)]() mutable { work(); });
                      },
                  .copy = [] { return Count{5}; }}},
                1h);
  CHECK(survey.ask().sum.value == 5);
}

TEST_CASE("for a worker that gives no answer its last one stands in") {
  Worker one{.value = 3, .waiting = {}};
  Worker two{.value = 4, .waiting = {}};
  Survey survey({one.asked(), two.asked()}, 1ms);
  survey.ask();
  two.hangs = true;
  one.value = 30;
  two.value = 40;
  const auto without = survey.ask();
  CHECK(without.sum.value == 34);
  CHECK(without.answered == 1);

  // What comes too late harms nobody, and once it answers again it counts.
  for (auto& work : two.waiting) work();
  two.hangs = false;
  CHECK(survey.ask().sum.value == 70);
}

TEST_CASE("a worker that gave no answer is not waited for again") {
  Worker one{.value = 3, .waiting = {}};
  Worker two{.value = 4, .hangs = true, .waiting = {}};
  Survey impatient({one.asked(), two.asked()}, 1ms);
  CHECK(impatient.ask().answered == 1);

  // With a patience of an hour the next would not return, if it waited.
  impatient.be_patient(1h);
  CHECK(impatient.ask().answered == 1);
}
