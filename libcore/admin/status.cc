#include "libcore/admin/status.h"

#include <fmt/chrono.h>
#include <unistd.h>

#include <chrono>

namespace admin {
namespace {

nlohmann::json sandbox_status(const sandbox::Report& report) {
  return {{"user", report.user},
          {"capabilities", report.capabilities},
          {"no_new_privileges", name_of(report.no_new_privileges)},
          {"seccomp", name_of(report.seccomp)},
          {"landlock", name_of(report.landlock)},
          {"core_dumps", report.core_dumps ? "on" : "off"},
          {"remarks", report.remarks}};
}

} // namespace

nlohmann::json common_status(const Facts& facts, std::string_view state, const core::Now& now) {
  auto listeners = nlohmann::json::array();
  for (const event::BoundListener& listener : facts.listeners) {
    listeners.push_back(
        {{"transport", listener.transport}, {"address", listener.address.to_string()}});
  }
  const auto uptime =
      std::chrono::duration_cast<std::chrono::seconds>(now.steady - facts.started.steady);
  return {{"program", facts.program},
          {"version", VESTIBULE_VERSION},
          {"pid", ::getpid()},
          {"started", rfc3339(facts.started.wall)},
          {"uptime_seconds", uptime.count()},
          {"state", state},
          {"workers", facts.workers},
          {"configuration", {{"file", facts.configuration_file}}},
          {"listeners", std::move(listeners)},
          {"sandbox", sandbox_status(facts.sandbox)},
          {"certificates", nlohmann::json::array()},
          {"warnings", nlohmann::json::array()},
          {"totals", nlohmann::json::object()},
          {"gauges", nlohmann::json::object()}};
}

std::string rfc3339(core::WallTime time) {
  return fmt::format("{:%FT%TZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

} // namespace admin
