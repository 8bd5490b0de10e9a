#include "libcore/sandbox/system_calls.h"

#include <array>

namespace sandbox {
namespace {

constexpr auto kAllowed = std::to_array<std::string_view>(
    {// Sockets; which can be made is seccomp.cc's.
     "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen",
     "recvfrom", "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
     // Waiting.
     "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd2", "poll",
     "ppoll", "pselect6", "select", "timerfd_create", "timerfd_gettime", "timerfd_settime",
     // What is open.
     "close", "close_range", "dup", "dup2", "dup3", "fadvise64", "fallocate", "fcntl", "fdatasync",
     "flock", "fstat", "fstatfs", "fsync", "ftruncate", "getdents64", "lseek", "pipe", "pipe2",
     "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readv", "sendfile",
     "splice", "write", "writev",
     // Files by name.
     "access", "chmod", "faccessat", "faccessat2", "fchmod", "fchmodat", "getcwd", "lstat", "mkdir",
     "mkdirat", "newfstatat", "open", "openat", "openat2", "readlink", "readlinkat", "rename",
     "renameat", "renameat2", "rmdir", "stat", "statfs", "statx", "umask", "unlink", "unlinkat",
     "inotify_add_watch", "inotify_init1", "inotify_rm_watch",
     // Memory.
     "brk", "madvise", "membarrier", "memfd_create", "mincore", "mlock", "mremap", "munlock",
     "munmap",
     // Threads; how they are made is seccomp.cc's.
     "exit", "exit_group", "futex", "futex_wait", "futex_waitv", "futex_wake", "get_robust_list",
     "getcpu", "gettid", "rseq", "sched_get_priority_max", "sched_get_priority_min",
     "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_setaffinity",
     "sched_yield", "set_robust_list", "set_tid_address",
     // Signals; to whom is seccomp.cc's.
     "pause", "restart_syscall", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn",
     "rt_sigsuspend", "rt_sigtimedwait", "sigaltstack", "signalfd4", "wait4",
     // Time.
     "clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "time",
     "timer_create", "timer_delete", "timer_settime",
     // About the process and the machine.
     "arch_prctl", "capget", "getegid", "geteuid", "getgid", "getgroups", "getpgrp", "getpid",
     "getppid", "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "getsid", "getuid",
     "sysinfo", "times", "uname"});

} // namespace

std::span<const std::string_view> allowed_calls() { return kAllowed; }

} // namespace sandbox
