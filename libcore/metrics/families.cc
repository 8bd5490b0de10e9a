#include "libcore/metrics/families.h"

#include <algorithm>
#include <chrono>
#include <limits>

namespace metrics {
namespace {

double seconds(core::Duration duration) { return std::chrono::duration<double>(duration).count(); }

prometheus::ClientMetric labelled(const Labels& labels) {
  prometheus::ClientMetric metric;
  metric.label.reserve(labels.size());
  for (const auto& [name, value] : labels) {
    metric.label.push_back({.name = std::string(name), .value = std::string(value)});
  }
  return metric;
}

} // namespace

Family& Family::add_number(double value, const Labels& labels) {
  prometheus::ClientMetric metric = labelled(labels);
  metric.counter.value = value; // whichever it is, the serializer looks at one of them
  metric.gauge.value = value;
  family_.metric.push_back(std::move(metric));
  return *this;
}

Family& Family::add(const core::Histogram& values, const Labels& labels) {
  prometheus::ClientMetric metric = labelled(labels);
  metric.histogram.sample_count = values.count();
  metric.histogram.sample_sum = seconds(values.sum());
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < values.counts().size(); ++i) {
    so_far += values.counts()[i];
    const bool last = i == core::Histogram::kBounds.size();
    metric.histogram.bucket.push_back({.cumulative_count = so_far,
                                       .upper_bound = last ? std::numeric_limits<double>::infinity()
                                                           : seconds(core::Histogram::kBounds[i])});
  }
  family_.metric.push_back(std::move(metric));
  return *this;
}

Family& Family::add(std::span<const double> bounds, std::span<const std::uint64_t> counts,
                    double sum, const Labels& labels) {
  prometheus::ClientMetric metric = labelled(labels);
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    so_far += counts[i];
    const double bound = i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({.cumulative_count = so_far, .upper_bound = bound});
  }
  metric.histogram.sample_count = so_far;
  metric.histogram.sample_sum = sum;
  family_.metric.push_back(std::move(metric));
  return *this;
}

Family Families::counter(std::string_view name, std::string_view help) {
  return family(name, help, prometheus::MetricType::Counter);
}

Family Families::gauge(std::string_view name, std::string_view help) {
  return family(name, help, prometheus::MetricType::Gauge);
}

Family Families::histogram(std::string_view name, std::string_view help) {
  return family(name, help, prometheus::MetricType::Histogram);
}

Family Families::family(std::string_view name, std::string_view help, prometheus::MetricType type) {
  const auto known = std::ranges::find(families_, name, &prometheus::MetricFamily::name);
  if (known != families_.end()) return Family(*known);
  families_.push_back(
      {.name = std::string(name), .help = std::string(help), .type = type, .metric = {}});
  return Family(families_.back());
}

std::vector<prometheus::MetricFamily> Families::take() {
  std::erase_if(families_, [](const auto& family) { return family.metric.empty(); });
  return std::exchange(families_, {});
}

} // namespace metrics
