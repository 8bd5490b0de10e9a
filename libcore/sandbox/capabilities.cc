#include "libcore/sandbox/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <string_view>

namespace sandbox {
namespace {

constexpr int kMost = 64; // bits of a set

// By number, as in linux/capability.h.
constexpr std::array<std::string_view, 41> kNames{"chown",
                                                  "dac_override",
                                                  "dac_read_search",
                                                  "fowner",
                                                  "fsetid",
                                                  "kill",
                                                  "setgid",
                                                  "setuid",
                                                  "setpcap",
                                                  "linux_immutable",
                                                  "net_bind_service",
                                                  "net_broadcast",
                                                  "net_admin",
                                                  "net_raw",
                                                  "ipc_lock",
                                                  "ipc_owner",
                                                  "sys_module",
                                                  "sys_rawio",
                                                  "sys_chroot",
                                                  "sys_ptrace",
                                                  "sys_pacct",
                                                  "sys_admin",
                                                  "sys_boot",
                                                  "sys_nice",
                                                  "sys_resource",
                                                  "sys_time",
                                                  "sys_tty_config",
                                                  "mknod",
                                                  "lease",
                                                  "audit_write",
                                                  "audit_control",
                                                  "setfcap",
                                                  "mac_override",
                                                  "mac_admin",
                                                  "syslog",
                                                  "wake_alarm",
                                                  "block_suspend",
                                                  "audit_read",
                                                  "perfmon",
                                                  "bpf",
                                                  "checkpoint_restore"};

constexpr std::uint32_t low(Capabilities set) { return static_cast<std::uint32_t>(set); }
constexpr std::uint32_t high(Capabilities set) { return static_cast<std::uint32_t>(set >> 32); }

using Data = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

__user_cap_header_struct header() { return {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0}; }

} // namespace

CapabilitySets own_capabilities() {
  auto asked = header();
  Data data{};
  if (::syscall(SYS_capget, &asked, data.data()) != 0) return {};
  const auto both = [](std::uint32_t low_half, std::uint32_t high_half) {
    return Capabilities{low_half} | Capabilities{high_half} << 32;
  };
  return {.effective = both(data[0].effective, data[1].effective),
          .permitted = both(data[0].permitted, data[1].permitted),
          .inheritable = both(data[0].inheritable, data[1].inheritable)};
}

bool keep_only(Capabilities kept) {
  const CapabilitySets before = own_capabilities();
  const Capabilities left = before.permitted & kept;
  const Capabilities handed_on = before.inheritable & kept;
  // A service manager's filter may forbid the call to those who have nothing to give up.
  if (before.permitted == left && before.effective == left && before.inheritable == handed_on)
    return true;
  auto asked = header();
  Data data{};
  data[0] = {.effective = low(left), .permitted = low(left), .inheritable = low(handed_on)};
  data[1] = {.effective = high(left), .permitted = high(left), .inheritable = high(handed_on)};
  return ::syscall(SYS_capset, &asked, data.data()) == 0;
}

void forget_bounds(Capabilities kept) {
  for (int number = 0; number < kMost; ++number) {
    if ((kept & capability(number)) == 0) ::prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
  }
}

std::vector<std::string> names_of(Capabilities set) {
  std::vector<std::string> names;
  for (int number = 0; number < kMost; ++number) {
    if ((set & capability(number)) == 0) continue;
    const auto index = static_cast<std::size_t>(number);
    names.push_back(index < kNames.size() ? std::string(kNames[index]) : std::to_string(number));
  }
  return names;
}

} // namespace sandbox
