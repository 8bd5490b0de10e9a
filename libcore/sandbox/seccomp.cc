#include "libcore/sandbox/seccomp.h"

#include <fmt/format.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>

#include "libcore/sandbox/system_calls.h"

namespace sandbox {
namespace {

using Argument = scmp_arg_cmp;
using Value = scmp_datum_t;

Argument is(unsigned number, Value value) { return {number, SCMP_CMP_EQ, value, 0}; }
// Those of the bits `mask` that are set are `value`.
Argument has(unsigned number, Value mask, Value value) {
  return {number, SCMP_CMP_MASKED_EQ, mask, value};
}

// Rules are added until one can't be; then the reason stands in error().
class Rules {
 public:
  Rules() : filter_(::seccomp_init(SCMP_ACT_ERRNO(EPERM)), &::seccomp_release) {
    if (!filter_) {
      note("seccomp_init", -ENOMEM);
      return;
    }
    // Another architecture's calls have other numbers.
    note("SCMP_ACT_KILL_PROCESS",
         ::seccomp_attr_set(filter_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
    note("SCMP_FLTATR_CTL_NNP", ::seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_NNP, 0));
    // Kernels before 4.14 can't, nor can a process whose service manager forbids it seccomp(2).
    static_cast<void>(::seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_LOG, 1));
    // A search by halves instead of call by call: every packet pays for it.
    static_cast<void>(::seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2));
  }

  template <typename... Arguments>
  void allow(std::string_view name, Arguments... arguments) {
    add(SCMP_ACT_ALLOW, name, arguments...);
  }
  template <typename... Arguments>
  void add(std::uint32_t action, std::string_view name, Arguments... arguments) {
    const int call = ::seccomp_syscall_resolve_name(std::string(name).c_str());
    if (call == __NR_SCMP_ERROR || !error_.empty()) return; // one that the library doesn't know
    const std::array<Argument, sizeof...(Arguments)> all{arguments...};
    note(name, ::seccomp_rule_add_array(filter_.get(), action, call, all.size(), all.data()));
  }

  core::Result<void> load() {
    if (error_.empty()) note("seccomp_load", ::seccomp_load(filter_.get()));
    if (!error_.empty()) return core::failure(error_);
    return {};
  }

 private:
  void note(std::string_view step, int result) {
    if (result >= 0 || !error_.empty()) return;
    error_ = fmt::format("{}: {}", step, std::generic_category().message(-result));
  }

  std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter_;
  std::string error_;
};

// Threads, and no processes: no program can be started, so none is made for one.
void add_threads(Rules& rules) {
  rules.allow("clone", has(0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM));
  // Its flags lie in memory, where a filter can't see them; the C library then takes clone().
  rules.add(SCMP_ACT_ERRNO(ENOSYS), "clone3");
  rules.allow("tgkill", is(0, static_cast<Value>(::getpid()))); // abort()
}

void add_sockets(Rules& rules) {
  for (const int family : {AF_UNIX, AF_INET, AF_INET6}) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
      rules.allow(
          "socket", is(0, static_cast<Value>(family)),
          has(1, ~Value{SOCK_NONBLOCK | SOCK_CLOEXEC} & 0xffffffff, static_cast<Value>(type)));
    }
  }
  // The machine's own addresses.
  rules.allow("socket", is(0, AF_NETLINK), is(2, NETLINK_ROUTE));
  rules.allow("socketpair", is(0, AF_UNIX));
}

// Memory that holds code was there before.
void add_memory(Rules& rules) {
  rules.allow("mmap", has(2, PROT_EXEC, 0));
  rules.allow("mprotect", has(2, PROT_EXEC, 0));
}

void add_requests(Rules& rules) {
  for (const int request :
       {FIONREAD, FIONBIO, FIOCLEX, TCGETS, TIOCGWINSZ, SIOCGIFINDEX, SIOCGIFNAME, TIOCOUTQ}) {
    rules.allow("ioctl", has(1, 0xffffffff, static_cast<Value>(request)));
  }
  for (const int request : {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS}) {
    rules.allow("prctl", has(0, 0xffffffff, static_cast<Value>(request)));
  }
  rules.allow("prlimit64", has(0, 0xffffffff, 0)); // its own limits
}

// By descriptors that it has: nothing new can be loaded, nor what others have be found.
void add_kernel_maps(Rules& rules) {
  for (const int command :
       {BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM, BPF_LINK_CREATE}) {
    rules.allow("bpf", has(0, 0xffffffff, static_cast<Value>(command)));
  }
}

} // namespace

bool has_seccomp() { return ::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0; }

core::Result<void> filter_calls(bool kernel_maps) {
  Rules rules;
  for (const std::string_view name : allowed_calls()) rules.allow(name);
  add_threads(rules);
  add_sockets(rules);
  add_memory(rules);
  add_requests(rules);
  if (kernel_maps) add_kernel_maps(rules);
  return rules.load();
}

} // namespace sandbox
