// Faults of the kernel, put into a daemon by LD_PRELOAD. Nothing here that the kernel doesn't do: calls that a signal interrupts, writes
// that are taken in part, datagrams that find no buffer, a wall clock that jumps, and kill -9 before any call that changes a file.
//
// The test's side is support/faults.py. Both have the file $FAULTS in memory, an array of 64-bit numbers: what is wanted and what was done.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
  kClockOffset,    // seconds that the wall clock is ahead
  kInterruptEvery, // one of so many calls is interrupted; 0: none
  kShortBytes,     // the most bytes that a stream or a file takes at once; 0: as many as it likes
  kSmallBuffers,   // bytes of the buffers of TCP connections; 0: the kernel's choice
  kNoBufferEvery,  // one of so many messages to datagram sockets finds no buffer; 0: none
  kRefuseAccept,   // the error number with which the next call of accept4 fails, once; 0: none
  kRefuseWatch,    // the same for the next EPOLL_CTL_ADD of a listener that was refused so, or for datagrams
  kDieAt, // the process ends before this call that changes files named $FAULTS_FILES*; 0: never
  kInterrupted = 8, // counts from here on
  kShortened,
  kRefused,
  kFileCalls,
  kNumbers = 16
};

static _Atomic int64_t nothing[kNumbers];
static _Atomic int64_t* control = nothing;
static const char* files;
static _Atomic char watched_file[65536]; // descriptors of such files

__attribute__((constructor)) static void begin(void) {
  prctl(PR_SET_PDEATHSIG, SIGKILL); // without the test nobody takes the faults back
  files = getenv("FAULTS_FILES");
  const char* path = getenv("FAULTS");
  const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void* shared = mmap(NULL, sizeof nothing, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (shared != MAP_FAILED) control = shared;
}

#define REAL(name)               \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

// One of `every` calls, drawn by lot: what alternates with another call must not always be the one.
static int is_drawn(int64_t every) {
  static _Thread_local uint64_t state = 88172645463325252;
  if (every == 0) return 0;
  state ^= state << 13, state ^= state >> 7, state ^= state << 17; // xorshift64
  return state % (uint64_t)every == 0;
}

// Never twice in a row: a signal has been handled then.
static int is_interrupted(void) {
  static _Thread_local int was;
  was = !was && is_drawn(control[kInterruptEvery]);
  if (!was) return 0;
  ++control[kInterrupted];
  errno = EINTR;
  return 1;
}

static size_t shortened(size_t size) {
  const int64_t most = control[kShortBytes];
  if (most == 0 || size <= (size_t)most) return size;
  ++control[kShortened];
  return (size_t)most;
}

static int type_of(int fd, int* family) {
  int type = 0;
  socklen_t size = sizeof type;
  *family = 0;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return 0;
  size = sizeof *family;
  getsockopt(fd, SOL_SOCKET, SO_DOMAIN, family, &size);
  return type;
}

static int finds_no_buffer(void) {
  if (!is_drawn(control[kNoBufferEvery])) return 0;
  ++control[kRefused];
  errno = ENOBUFS;
  return 1;
}

static int refused_once(int which) {
  const int64_t error = control[which];
  if (error == 0) return 0;
  control[which] = 0;
  ++control[kRefused];
  errno = (int)error;
  return 1;
}

static void make_small(int fd) {
  int size = (int)control[kSmallBuffers];
  if (size == 0 || fd < 0) return;
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

// ---- sockets

ssize_t recv(int fd, void* to, size_t size, int flags) {
  REAL(recv);
  return is_interrupted() ? -1 : real(fd, to, size, flags);
}

ssize_t recvmsg(int fd, struct msghdr* message, int flags) {
  REAL(recvmsg);
  return is_interrupted() ? -1 : real(fd, message, flags);
}

int recvmmsg(int fd, struct mmsghdr* messages, unsigned count, int flags,
             struct timespec* timeout) {
  REAL(recvmmsg);
  return is_interrupted() ? -1 : real(fd, messages, count, flags, timeout);
}

ssize_t send(int fd, const void* from, size_t size, int flags) {
  REAL(send);
  return is_interrupted() ? -1 : real(fd, from, shortened(size), flags);
}

ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  REAL(sendmsg);
  if (is_interrupted()) return -1;
  int family;
  const int type = type_of(fd, &family);
  if (type == SOCK_DGRAM && family != AF_UNIX && finds_no_buffer()) return -1;
  if (type != SOCK_STREAM || family == AF_UNIX || control[kShortBytes] == 0 ||
      message->msg_iovlen == 0)
    return real(fd, message, flags);
  struct iovec first = message->msg_iov[0];
  first.iov_len = shortened(first.iov_len);
  struct msghdr part = *message;
  part.msg_iov = &first;
  part.msg_iovlen = 1;
  return real(fd, &part, flags);
}

int sendmmsg(int fd, struct mmsghdr* messages, unsigned count, int flags) {
  REAL(sendmmsg);
  if (is_interrupted()) return -1;
  if (finds_no_buffer()) return -1;
  if (control[kShortBytes] != 0 && count > 1) {
    ++control[kShortened];
    count = 1;
  }
  return real(fd, messages, count, flags);
}

static int is_for_datagrams(int fd) {
  int family;
  return type_of(fd, &family) == SOCK_DGRAM && (family == AF_INET || family == AF_INET6);
}

// libuv ends the process when a descriptor of its own can't be watched, as at a start: it is the listener's turn, none other's.
static _Thread_local int refused_listener = -1;

int accept4(int fd, struct sockaddr* peer, socklen_t* size, int flags) {
  REAL(accept4);
  if (refused_once(kRefuseAccept)) {
    refused_listener = fd;
    return -1;
  }
  if (is_interrupted()) return -1;
  const int accepted = real(fd, peer, size, flags);
  make_small(accepted);
  return accepted;
}

int connect(int fd, const struct sockaddr* to, socklen_t size) {
  REAL(connect);
  if (to->sa_family == AF_INET || to->sa_family == AF_INET6) make_small(fd);
  return real(fd, to, size);
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event* event) {
  REAL(epoll_ctl);
  if (operation == EPOLL_CTL_ADD && (fd == refused_listener || is_for_datagrams(fd)) &&
      refused_once(kRefuseWatch)) {
    return -1;
  }
  return real(epoll, operation, fd, event);
}

int epoll_wait(int epoll, struct epoll_event* events, int count, int timeout) {
  REAL(epoll_wait);
  return is_interrupted() ? -1 : real(epoll, events, count, timeout);
}

int poll(struct pollfd* of, nfds_t count, int timeout) {
  REAL(poll);
  return is_interrupted() ? -1 : real(of, count, timeout);
}

// ---- files

static void die(void) {
  syscall(SYS_tgkill, getpid(), syscall(SYS_gettid),
          SIGKILL); // kill(2) may be forbidden by a filter
  for (;;) pause();
}

// Whether it is the one before which the process ends.
static int is_last_file_call(void) {
  const int64_t number = ++control[kFileCalls];
  return control[kDieAt] != 0 && number == control[kDieAt];
}

static int names_such_a_file(const char* path) {
  return files && strncmp(path, files, strlen(files)) == 0;
}

static int is_such_a_file(int fd) {
  return fd >= 0 && fd < (int)sizeof watched_file && watched_file[fd];
}

static int note(int fd, int such) {
  if (fd >= 0 && fd < (int)sizeof watched_file) watched_file[fd] = (char)such;
  return fd;
}

static int mode_of(int flags, va_list more) {
  return (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, int) : 0;
}

#define OPEN(name)                                                   \
  int name(const char* path, int flags, ...) {                       \
    REAL(name);                                                      \
    va_list more;                                                    \
    va_start(more, flags);                                           \
    const int mode = mode_of(flags, more);                           \
    va_end(more);                                                    \
    const int such = names_such_a_file(path) && (flags & O_ACCMODE); \
    if (such && is_last_file_call()) die();                          \
    return note(real(path, flags, mode), such);                      \
  }
OPEN(open)
OPEN(open64)

int mkostemp(char* name, int flags) {
  REAL(mkostemp);
  const int such = names_such_a_file(name);
  if (such && is_last_file_call()) die();
  return note(real(name, flags), such);
}

ssize_t read(int fd, void* to, size_t size) {
  REAL(read);
  return is_interrupted() ? -1 : real(fd, to, size);
}

ssize_t write(int fd, const void* from, size_t size) {
  REAL(write);
  if (is_interrupted()) return -1;
  if (!is_such_a_file(fd)) return real(fd, from, size);
  if (is_last_file_call()) {
    const ssize_t half = real(fd, from, size / 2);
    (void)half;
    die();
  }
  return real(fd, from, shortened(size));
}

#define ON_DESCRIPTOR(name, parameters, arguments)        \
  int name parameters {                                   \
    REAL(name);                                           \
    if (is_such_a_file(fd) && is_last_file_call()) die(); \
    return real arguments;                                \
  }
ON_DESCRIPTOR(fsync, (int fd), (fd))
ON_DESCRIPTOR(fdatasync, (int fd), (fd))
ON_DESCRIPTOR(fchmod, (int fd, mode_t mode), (fd, mode))
ON_DESCRIPTOR(fchown, (int fd, uid_t user, gid_t group), (fd, user, group))

int close(int fd) {
  REAL(close);
  if (is_such_a_file(fd)) {
    if (is_last_file_call()) die();
    note(fd, 0);
  }
  return real(fd);
}

int rename(const char* from, const char* to) {
  REAL(rename);
  if (names_such_a_file(from) && is_last_file_call()) die();
  return real(from, to);
}

int unlink(const char* path) {
  REAL(unlink);
  if (names_such_a_file(path) && is_last_file_call()) die();
  return real(path);
}

// ---- the wall clock

int clock_gettime(clockid_t clock, struct timespec* now) {
  REAL(clock_gettime);
  const int result = real(clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    now->tv_sec += control[kClockOffset];
  return result;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  REAL(gettimeofday);
  const int result = real(now, zone);
  if (result == 0) now->tv_sec += control[kClockOffset];
  return result;
}

time_t time(time_t* to) {
  REAL(time);
  const time_t now = real(NULL) + control[kClockOffset];
  if (to) *to = now;
  return now;
}
