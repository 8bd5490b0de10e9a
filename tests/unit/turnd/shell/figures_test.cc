#include "turnd/shell/figures.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cerrno>

#include "turnd/shell/metrics.h"
#include "turnd/shell/warnings.h"

namespace {

using turnd::DaemonFigures;
using turnd::ListenerFigures;
using turnd::SendLosses;
using turnd::Transport;
using turnd::WorkerFigures;

TEST_CASE("what the kernel would not send is counted by why") {
  SendLosses losses;
  for (const int error : {EAGAIN, ENOBUFS, EMSGSIZE, EPERM, ECONNREFUSED, ENETUNREACH, EIO}) {
    losses.count(error);
  }
  CHECK(losses.by_reason == std::array<std::uint64_t, 5>{2, 2, 1, 1, 1});
  CHECK(losses.all() == 7);
}

ListenerFigures listener(Transport transport, const char* address, std::uint64_t clients) {
  ListenerFigures figures;
  figures.transport = transport;
  figures.address = core::SocketAddress::parse(address).value();
  figures.clients.now = clients;
  figures.clients.handshakes = 1;
  figures.queue_drops = 1;
  return figures;
}

TEST_CASE("the workers' figures add up, listener by listener") {
  WorkerFigures one;
  WorkerFigures other;
  one.listeners = {listener(Transport::udp, "192.0.2.1:3478", 0),
                   listener(Transport::tls, "192.0.2.1:5349", 3)};
  other.listeners = {listener(Transport::tls, "192.0.2.1:5349", 4),
                     listener(Transport::tcp, "192.0.2.1:3478", 5)};
  one.counters.allocations = 1;
  other.counters.allocations = 2;
  other.received.add(64);
  one += other;
  REQUIRE(one.listeners.size() == 3);
  CHECK(one.listeners[1].clients.now == 7);
  CHECK(one.listeners[1].clients.handshakes == 2);
  CHECK(one.listeners[1].queue_drops == 2);
  CHECK(one.listeners[2].transport == Transport::tcp);
  CHECK(one.counters.allocations == 3);
  CHECK(one.received.counts().back() == 1);
}

using Labels = std::vector<std::pair<std::string, std::string>>;

Labels labels_of(const prometheus::ClientMetric& metric) {
  Labels labels;
  for (const auto& label : metric.label) labels.emplace_back(label.name, label.value);
  return labels;
}

const prometheus::MetricFamily& family(const std::vector<prometheus::MetricFamily>& all,
                                       std::string_view name) {
  const auto found = std::ranges::find(all, name, &prometheus::MetricFamily::name);
  REQUIRE(found != all.end());
  return *found;
}

double value(const prometheus::MetricFamily& family, const Labels& labels) {
  const auto found = std::ranges::find(family.metric, labels, labels_of);
  REQUIRE(found != family.metric.end());
  return family.type == prometheus::MetricType::Counter ? found->counter.value : found->gauge.value;
}

TEST_CASE("figures become metrics, each series once") {
  DaemonFigures figures;
  figures.workers = 2;
  figures.silent_workers = 1;
  figures.all.allocations.all = 3;
  figures.all.allocations.by_transport[static_cast<std::size_t>(Transport::dtls)] = 3;
  figures.all.allocations.tcp = 1;
  figures.all.allocations.ages.add(5);
  figures.all.counters.to_peers[0] = {.packets = 7, .bytes = 70};
  figures.all.counters.refusals.count(stun::Method::allocate, stun::ErrorCode::stale_nonce);
  figures.all.counters.lifetimes.add(90);
  figures.all.listeners = {listener(Transport::tls, "192.0.2.1:5349", 3)};
  figures.relays = {{.address = core::IpAddress::v4(192, 0, 2, 1), .ports = 100, .ports_used = 4}};
  figures.certificates = {
      {.source = "/etc/a.pem", .names = {}, .not_after = core::WallTime(std::chrono::seconds(9))}};
  metrics::Families families;
  turnd::add_metrics(families, figures);
  const auto all = families.take();

  CHECK(value(family(all, "vestibule_turnd_allocations"), {{"transport", "dtls"}}) == 3);
  CHECK(value(family(all, "vestibule_turnd_allocations_by_kind"), {{"kind", "udp"}}) == 2);
  CHECK(value(family(all, "vestibule_turnd_relayed_bytes_total"),
              {{"direction", "to_peers"}, {"transport", "udp"}}) == 70);
  CHECK(value(family(all, "vestibule_turnd_refused_requests_total"),
              {{"method", "allocate"}, {"code", "438"}}) == 1);
  CHECK(value(family(all, "vestibule_turnd_handshakes_total"),
              {{"transport", "tls"}, {"address", "192.0.2.1:5349"}, {"result", "done"}}) == 1);
  CHECK(value(family(all, "vestibule_turnd_relay_ports_in_use"), {{"address", "192.0.2.1"}}) == 4);
  CHECK(value(family(all, "vestibule_turnd_workers_answering"), {}) == 1);
  CHECK(value(family(all, "vestibule_turnd_certificate_not_after_timestamp_seconds"),
              {{"file", "/etc/a.pem"}}) == 9);
  const auto& lifetimes = family(all, "vestibule_turnd_allocation_lifetime_seconds");
  REQUIRE(lifetimes.metric.size() == 1);
  CHECK(lifetimes.metric[0].histogram.sample_count == 1);
  CHECK(lifetimes.metric[0].histogram.bucket[1].cumulative_count == 0); // up to a minute
  CHECK(lifetimes.metric[0].histogram.bucket[2].cumulative_count == 1); // up to five

  for (const auto& each : all) {
    CHECK(each.name.starts_with("vestibule_turnd_"));
    CHECK_FALSE(each.help.empty());
    for (std::size_t i = 0; i < each.metric.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        CHECK(labels_of(each.metric[i]) != labels_of(each.metric[j]));
      }
    }
  }
}

TEST_CASE("warnings keep the time since when they hold, and go with their cause") {
  constexpr core::WallTime kNow{std::chrono::seconds(1'800'000'000)};
  const metrics::ProcessFigures process{
      .cpu_seconds = 0, .resident_bytes = 0, .open_descriptors = 10, .descriptor_limit = 100};
  DaemonFigures figures;
  turnd::Warnings warnings;
  CHECK(warnings.look(figures, process, kNow).empty());

  figures.relays = {{.address = core::IpAddress::v4(192, 0, 2, 1), .ports = 100, .ports_used = 90}};
  CHECK(warnings.look(figures, process, kNow).size() == 1);
  figures.certificates = {
      {.source = "/etc/a.pem", .names = {}, .not_after = kNow + std::chrono::days(3)}};
  const auto both = warnings.look(figures, process, kNow + std::chrono::seconds(60));
  REQUIRE(both.size() == 2);
  CHECK(both[0]["text"] == "the relay ports of 192.0.2.1 are nearly used up");
  CHECK(both[0]["since"] == "2027-01-15T08:00:00Z");
  CHECK(both[1]["text"] == "the certificate /etc/a.pem expires in 2 days");
  CHECK(both[1]["since"] == "2027-01-15T08:01:00Z");
  figures.relays[0].ports_used = 0;
  CHECK(warnings.look(figures, process, kNow).size() == 1);
}

} // namespace
