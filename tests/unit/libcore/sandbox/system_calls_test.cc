#include "libcore/sandbox/system_calls.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <set>
#include <string>

TEST_CASE("nothing is allowed that starts programs, looks into processes, or changes the machine") {
  const auto allowed = sandbox::allowed_calls();
  for (const std::string_view call : {"execve",
                                      "execveat",
                                      "fork",
                                      "vfork",
                                      "clone",
                                      "clone3",
                                      "ptrace",
                                      "process_vm_readv",
                                      "process_vm_writev",
                                      "pidfd_getfd",
                                      "kill",
                                      "tkill",
                                      "bpf",
                                      "perf_event_open",
                                      "io_uring_setup",
                                      "io_uring_enter",
                                      "io_uring_register",
                                      "userfaultfd",
                                      "personality",
                                      "unshare",
                                      "setns",
                                      "mount",
                                      "umount2",
                                      "pivot_root",
                                      "chroot",
                                      "move_mount",
                                      "open_tree",
                                      "fsopen",
                                      "kexec_load",
                                      "kexec_file_load",
                                      "init_module",
                                      "finit_module",
                                      "delete_module",
                                      "keyctl",
                                      "add_key",
                                      "request_key",
                                      "setuid",
                                      "setresuid",
                                      "setgid",
                                      "setgroups",
                                      "capset",
                                      "reboot",
                                      "swapon",
                                      "sethostname",
                                      "settimeofday",
                                      "clock_settime",
                                      "adjtimex",
                                      "iopl",
                                      "ioperm",
                                      "syslog",
                                      "acct",
                                      "quotactl",
                                      "mmap",
                                      "mprotect",
                                      "socket",
                                      "prctl",
                                      "ioctl",
                                      "modify_ldt",
                                      "name_to_handle_at",
                                      "open_by_handle_at"}) {
    CHECK(std::ranges::find(allowed, call) == allowed.end());
  }
}

TEST_CASE("each allowed call is listed once") {
  const auto allowed = sandbox::allowed_calls();
  CHECK(std::set<std::string_view>(allowed.begin(), allowed.end()).size() == allowed.size());
}
