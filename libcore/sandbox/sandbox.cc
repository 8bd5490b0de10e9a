#include "libcore/sandbox/sandbox.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/prctl.h>

#include <cerrno>
#include <system_error>

#include "libcore/sandbox/account.h"
#include "libcore/sandbox/landlock.h"
#include "libcore/sandbox/seccomp.h"

namespace sandbox {
namespace {

// A reload may name new ports.
constexpr Capabilities kListening = capability(CAP_NET_BIND_SERVICE);
// Without it root can't use files of the daemons' users, which it is expected to.
constexpr Capabilities kFilesOfOthers = capability(CAP_DAC_OVERRIDE);

#ifdef VESTIBULE_INSTRUMENTED
constexpr bool kInstrumented = true; // what watches the program makes calls of its own
#else
constexpr bool kInstrumented = false;
#endif

void drop_capabilities(const config::Sandbox& settings, const Needs& needs, Report& report) {
  if (settings.drop_capabilities) {
    const Capabilities kept =
        kListening | needs.capabilities | (is_root() ? kFilesOfOthers : Capabilities{0});
    if (is_root()) forget_bounds(kept);
    if (!keep_only(kept)) report.remarks.emplace_back("capabilities can't be given up");
  }
  report.capabilities = names_of(own_capabilities().effective);
}

void forbid_new_privileges(const config::Sandbox& settings, Report& report) {
  if (settings.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    report.remarks.emplace_back("the kernel has no no_new_privs");
  report.no_new_privileges = ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? State::on
                             : settings.no_new_privileges                  ? State::unavailable
                                                                           : State::off;
}

// Nor can another process of the same user read the memory then.
void set_core_dumps(const config::Sandbox& settings, Report& report) {
  // A leak checker looks at the process from outside.
  const bool allowed = settings.core_dumps || kInstrumented;
  ::prctl(PR_SET_DUMPABLE, allowed ? 1 : 0, 0, 0, 0);
  report.core_dumps = ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1;
}

// What a measure came to; `missing`: why there was none.
State state_of(bool wanted, std::string missing, Report& report) {
  if (!wanted) return State::off;
  if (missing.empty()) return State::on;
  report.remarks.push_back(std::move(missing));
  return State::unavailable;
}

std::string limit_to(const Reach& reach) {
  if (kInstrumented) return "no Landlock in an instrumented build";
  if (landlock_version() == 0) return "the kernel has no Landlock, or this process may not use it";
  const auto limited = limit_files(reach);
  return limited ? "" : "no Landlock: " + limited.error().text;
}

std::string limit_calls(const Needs& needs) {
  if (kInstrumented) return "no seccomp in an instrumented build";
  if (!has_seccomp()) return "the kernel has no seccomp filters, or this process may not use them";
  const auto filtered = filter_calls(needs.kernel_maps);
  return filtered ? "" : "no seccomp: " + filtered.error().text;
}

} // namespace

std::string_view name_of(State state) {
  switch (state) {
    case State::on:
      return "on";
    case State::off:
      return "off";
    case State::unavailable:
      return "unavailable";
  }
  return "";
}

core::Result<bool> give_up_root(const config::Sandbox& settings) {
  if (!settings.user || !is_root()) return false;
  const auto account = find_account(*settings.user, settings.group);
  if (!account) return std::unexpected(account.error());
  if (account->user == 0) return false;
  if (const auto became = become(*account, kListening); !became)
    return std::unexpected(became.error());
  return true;
}

Report confine(const config::Sandbox& settings, const Needs& needs) {
  Report report;
  report.user = own_name();
  if (is_root()) {
    report.remarks.emplace_back(
        "runs as root: start it as another user, or name one in \"sandbox.user\"");
  } else if (settings.user && *settings.user != report.user) {
    report.remarks.push_back(fmt::format("runs as {}, not as {}: only root can become another user",
                                         report.user, *settings.user));
  }
  drop_capabilities(settings, needs, report);
  forbid_new_privileges(settings, report);
  set_core_dumps(settings, report);
  report.landlock =
      state_of(settings.landlock, settings.landlock ? limit_to(needs.reach) : "", report);
  if (report.landlock == State::on) report.reach = needs.reach;
  report.seccomp = state_of(settings.seccomp, settings.seccomp ? limit_calls(needs) : "", report);
  return report;
}

} // namespace sandbox
