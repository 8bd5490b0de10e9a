#include "libcore/program/out_of_memory.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <new>
#include <string_view>

#include "libcore/base/needed.h"
#include "libcore/event/fd.h"

namespace {

struct End {
  int code = -1;
  std::array<char, 200> text{};
  std::size_t size = 0;
};

// Of a child in which `fails` is called.
template <typename Fails>
End end_of_a_child(Fails fails) {
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  const event::Fd from(pipe[0]);
  event::Fd to(pipe[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(to.get(), STDERR_FILENO);
    program::end_when_memory_is_gone("turnd");
    fails();
    ::_exit(0);
  }
  to.reset();
  End end;
  for (ssize_t got = 0;
       (got = ::read(from.get(), end.text.data() + end.size, end.text.size() - end.size)) > 0;) {
    end.size += static_cast<std::size_t>(got);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFEXITED(status)) end.code = WEXITSTATUS(status);
  return end;
}

} // namespace

TEST_CASE("a process without memory says so and ends with a code of its own (decision 0068)") {
  const auto ends = [](const End& end) {
    CHECK(end.code == program::kOutOfMemoryExit);
    CHECK(std::string_view(end.text.data(), end.size) ==
          "turnd: out of memory: it ends, to be started anew\n");
  };
  SECTION("when operator new gets none") {
    ends(end_of_a_child([] { std::get_new_handler()(); }));
  }
  SECTION("when a C library gets none that we can't go on without") {
    ends(end_of_a_child([] { core::needed<int>(nullptr); }));
  }
}

TEST_CASE("what a C library has allocated is handed on") {
  int there = 1;
  CHECK(core::needed(&there) == &there);
}
