#include "rproxyd/shell/warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "libcore/admin/status.h"

namespace rproxyd {
namespace {

using Texts = std::vector<std::string>;

void look_at_pools(Texts& texts, const Generation& generation) {
  for (const auto& pool : generation.pools) {
    std::size_t serving = 0;
    std::size_t members = 0;
    for (const SharedPool::BackendFigures& each : pool->figures()) {
      const BackendState state = each.record.current().state;
      if (state == BackendState::draining) continue;
      ++members;
      if (state == BackendState::up) ++serving;
      if (state == BackendState::down || state == BackendState::resting) {
        texts.push_back(fmt::format("pool {}: {} is {}: {}", pool->name(), each.backend->name,
                                    name_of(state), each.record.current().why));
      }
    }
    if (serving == 0) {
      texts.push_back(members == 0 ? fmt::format("pool {} has no servers", pool->name())
                                   : fmt::format("pool {}: no server is up", pool->name()));
    }
  }
}

void look_at_certificates(Texts& texts, const Generation& generation, core::WallTime now) {
  for (const ListenerRules& listener : generation.listeners) {
    if (!listener.tls) continue;
    for (const tls::CertificateFacts& facts : listener.tls->certificates()) {
      const auto left = std::chrono::floor<std::chrono::days>(facts.not_after - now);
      if (facts.not_after <= now) {
        texts.push_back(fmt::format("the certificate {} has expired", facts.source));
      } else if (left < Warnings::kCertificateEndsSoon) {
        texts.push_back(
            fmt::format("the certificate {} expires in {} days", facts.source, left.count()));
      }
    }
    if (listener.own)
      texts.push_back(fmt::format("the listener {} has a self-signed certificate",
                                  listener.settings.address.to_string()));
  }
}

void look_at_reloads(Texts& texts, const program::ReloadRecord::Figures& reloads) {
  if (reloads.last_refusal)
    texts.emplace_back("the latest reload was refused: the file is not what is in force");
  if (!reloads.needs_restart.empty()) {
    texts.push_back(
        fmt::format("a restart is needed for {}", fmt::join(reloads.needs_restart, ", ")));
  }
}

} // namespace

nlohmann::json Warnings::look(const Service& service, const metrics::ProcessFigures& process,
                              std::size_t silent_workers, const core::Now& now) {
  Texts texts;
  const auto generation = service.generation();
  look_at_reloads(texts, service.reloads.figures());
  look_at_pools(texts, *generation);
  look_at_certificates(texts, *generation, now.wall);
  if (static_cast<double>(process.open_descriptors) >=
      kDescriptorsNearlyUsedUp * static_cast<double>(process.descriptor_limit))
    texts.emplace_back("descriptors are nearly used up");
  if (silent_workers > 0) texts.push_back(fmt::format("{} workers give no answer", silent_workers));

  std::map<std::string, core::WallTime> found;
  for (std::string& text : texts) {
    const auto known = since_.find(text);
    const core::WallTime since = known == since_.end() ? now.wall : known->second;
    found.emplace(std::move(text), since);
  }
  since_ = std::move(found);
  std::vector<std::pair<core::WallTime, std::string_view>> order;
  order.reserve(since_.size());
  for (const auto& [text, since] : since_) order.emplace_back(since, text);
  std::ranges::sort(order);
  auto warnings = nlohmann::json::array();
  for (const auto& [since, text] : order)
    warnings.push_back({{"since", admin::rfc3339(since)}, {"text", text}});
  return warnings;
}

} // namespace rproxyd
