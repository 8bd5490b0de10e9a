#include "libcore/metrics/process.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

TEST_CASE("a process knows what it uses of the machine") {
  const auto before = metrics::read_process_figures();
  CHECK(before.cpu_seconds > 0);
  CHECK(before.resident_bytes > 1'000'000);
  CHECK(before.open_descriptors >= 3);
  CHECK(before.descriptor_limit >= before.open_descriptors);

  const int another = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  CHECK(metrics::read_process_figures().open_descriptors == before.open_descriptors + 1);
  ::close(another);
}

TEST_CASE("what is said of a process has the names that dashboards know") {
  metrics::Families families;
  metrics::add_process(families, "vestibule_rproxyd", {.open_descriptors = 12}, {});
  const auto taken = families.take();
  REQUIRE(taken.size() == 6);
  CHECK(taken[0].name == "vestibule_rproxyd_build_info");
  CHECK(taken[0].metric[0].label[0].value == VESTIBULE_VERSION);
  CHECK(taken[3].name == "process_open_fds");
  CHECK(taken[3].metric[0].gauge.value == 12);
}
