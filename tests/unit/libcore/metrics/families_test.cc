#include "libcore/metrics/families.h"

#include <prometheus/text_serializer.h>

#include <catch2/catch_test_macros.hpp>
#include <sstream>
#include <string>

using namespace std::chrono_literals;

namespace {

std::string text(metrics::Families& families) {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families.take());
  return out.str();
}

} // namespace

TEST_CASE("counters and gauges are written with their labels, help and type") {
  metrics::Families families;
  families.counter("requests_total", "Requests.")
      .add(std::uint64_t{17}, {{"code", "200"}})
      .add(2, {{"code", "a \"quoted\" one"}});
  families.gauge("open", "Open now.").add(0.5);
  CHECK(text(families) ==
        "# HELP requests_total Requests.\n"
        "# TYPE requests_total counter\n"
        "requests_total{code=\"200\"} 17\n"
        "requests_total{code=\"a \\\"quoted\\\" one\"} 2\n"
        "# HELP open Open now.\n"
        "# TYPE open gauge\n"
        "open 0.5\n");
}

TEST_CASE("a family that is named again goes on, and one without values is not written") {
  metrics::Families families;
  families.counter("a_total", "A.").add(1, {{"x", "1"}});
  families.counter("b_total", "B.");
  families.counter("a_total", "A.").add(2, {{"x", "2"}});
  const auto taken = families.take();
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].metric.size() == 2);
  CHECK(families.take().empty());
}

TEST_CASE("a histogram is written in seconds, its buckets add up") {
  core::Histogram histogram;
  histogram.note(1ms);
  histogram.note(300ms);
  histogram.note(2min);
  metrics::Families families;
  families.histogram("took_seconds", "How long.").add(histogram, {{"pool", "nodes"}});
  const std::string written = text(families);
  CHECK(written.contains("took_seconds_count{pool=\"nodes\"} 3\n"));
  CHECK(written.contains("took_seconds_sum{pool=\"nodes\"} 120.301\n"));
  CHECK(written.contains("took_seconds_bucket{pool=\"nodes\",le=\"0.0005\"} 0\n"));
  CHECK(written.contains("took_seconds_bucket{pool=\"nodes\",le=\"0.001\"} 1\n"));
  CHECK(written.contains("took_seconds_bucket{pool=\"nodes\",le=\"0.25\"} 1\n"));
  CHECK(written.contains("took_seconds_bucket{pool=\"nodes\",le=\"0.5\"} 2\n"));
  CHECK(written.contains("took_seconds_bucket{pool=\"nodes\",le=\"60\"} 2\n"));
  CHECK(written.contains("took_seconds_bucket{pool=\"nodes\",le=\"+Inf\"} 3\n"));
}
