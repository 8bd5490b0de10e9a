// Metrics in the making: families in the order in which they are first named, each with its values.
// The names are the field's: <https://prometheus.io/docs/practices/naming/>.
//
//   metrics::Families families;
//   families.counter("vestibule_rproxyd_requests_total", "Requests answered.")
//       .add(17, {{"code", "200"}});
//
// Who calls sees to it that label values come from the configuration or from a fixed set, never from
// what clients send.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcore/base/histogram.h"

namespace metrics {

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

class Family {
 public:
  template <typename Number>
  Family& add(Number value, const Labels& labels = {}) {
    return add_number(static_cast<double>(value), labels);
  }
  Family& add(const core::Histogram& values, const Labels& labels = {}); // in seconds
  // As core::BucketCounts has them: values up to each bound and above the one before; one more above all.
  Family& add(std::span<const double> bounds, std::span<const std::uint64_t> counts, double sum,
              const Labels& labels = {});

 private:
  friend class Families;
  explicit Family(prometheus::MetricFamily& family) : family_(family) {}
  Family& add_number(double value, const Labels& labels);

  prometheus::MetricFamily& family_;
};

class Families {
 public:
  // The family is borrowed until the next call. Naming one again goes on with it.
  Family counter(std::string_view name, std::string_view help);
  Family gauge(std::string_view name, std::string_view help);
  Family histogram(std::string_view name, std::string_view help);

  // Those without a value are left out.
  std::vector<prometheus::MetricFamily> take();

 private:
  Family family(std::string_view name, std::string_view help, prometheus::MetricType type);

  std::vector<prometheus::MetricFamily> families_;
};

} // namespace metrics
