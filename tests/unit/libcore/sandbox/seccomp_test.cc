#include "libcore/sandbox/seccomp.h"

#include <linux/bpf.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <thread>

#include "tests/unit/libcore/sandbox/in_a_child.h"

// A leak checker and its like need calls of their own, and their builds have no filter.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

// What a child with the filter finds: 0, or the number of the first check that failed.
template <typename... Checks>
int filtered(Checks... checks) {
  return in_a_child([&] {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!sandbox::filter_calls()) return 99;
    int number = 0;
    int failed = 0;
    ((++number, failed = failed == 0 && !checks() ? number : failed), ...);
    return failed;
  });
}

bool is_denied(long result) { return result == -1 && errno == EPERM; }

} // namespace

TEST_CASE("no program and no process can be started") {
  CHECK(filtered([] { return is_denied(::execl("/bin/true", "true", nullptr)); },
                 [] { return is_denied(::fork()); }, [] { return is_denied(::syscall(SYS_vfork)); },
                 [] { return is_denied(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); },
                 [] { return ::syscall(SYS_clone3, 0, 0) == -1 && errno == ENOSYS; }) == 0);
}

TEST_CASE("the kernel's maps are for who has some, and nothing can be loaded into the kernel") {
  const auto bpf = [](bpf_cmd command) {
    bpf_attr nothing{};
    return ::syscall(SYS_bpf, command, &nothing, sizeof nothing);
  };
  CHECK(filtered([&] { return is_denied(bpf(BPF_MAP_UPDATE_ELEM)); },
                 [&] { return is_denied(bpf(BPF_PROG_LOAD)); }) == 0);
  CHECK(in_a_child([&] {
          ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
          if (!sandbox::filter_calls(true)) return 99;
          for (const bpf_cmd allowed :
               {BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM, BPF_LINK_CREATE}) {
            if (is_denied(bpf(allowed))) return 1; // and not for what was asked
          }
          for (const bpf_cmd denied : {BPF_MAP_CREATE, BPF_PROG_LOAD, BPF_OBJ_GET,
                                       BPF_MAP_GET_FD_BY_ID, BPF_PROG_GET_FD_BY_ID}) {
            if (!is_denied(bpf(denied))) return 2;
          }
          return 0;
        }) == 0);
}

TEST_CASE("threads can be started") {
  CHECK(filtered([] {
          bool ran = false;
          std::thread([&ran] { ran = true; }).join();
          return ran;
        }) == 0);
}

TEST_CASE("sockets of the Internet and of Unix can be made, raw and kernel's ones can't") {
  CHECK(filtered([] { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0; },
                 [] { return ::socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0) >= 0; },
                 [] { return ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0; },
                 [] { return ::socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) >= 0; },
                 [] { return is_denied(::socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)); },
                 [] { return is_denied(::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)); },
                 [] { return is_denied(::socket(AF_PACKET, SOCK_RAW, 0)); },
                 [] { return is_denied(::socket(AF_VSOCK, SOCK_STREAM, 0)); }) == 0);
}

TEST_CASE("memory can hold data and no new code") {
  const auto mapped = [](int protection) {
    return ::mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  };
  CHECK(filtered([&] { return mapped(PROT_READ | PROT_WRITE) != MAP_FAILED; },
                 [&] { return mapped(PROT_READ | PROT_EXEC) == MAP_FAILED && errno == EPERM; },
                 [&] {
                   void* data = mapped(PROT_READ | PROT_WRITE);
                   return is_denied(::mprotect(data, 4096, PROT_READ | PROT_EXEC));
                 }) == 0);
}

TEST_CASE("other processes can't be touched, nor can its own limits on tracing be lifted") {
  CHECK(filtered([] { return is_denied(::kill(::getppid(), 0)); },
                 [] { return is_denied(::syscall(SYS_tgkill, ::getppid(), ::getppid(), 0)); },
                 [] { return ::syscall(SYS_tgkill, ::getpid(), ::gettid(), 0) == 0; },
                 [] { return is_denied(::syscall(SYS_ptrace, 0, 0, 0, 0)); },
                 [] { return is_denied(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); },
                 [] { return is_denied(::syscall(SYS_prlimit64, ::getppid(), 0, 0, 0)); }) == 0);
}

#endif
