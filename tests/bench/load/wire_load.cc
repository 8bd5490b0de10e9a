// One end of what tests/bench/offload measures, in the network namespace that it is started in:
//
//   wire_load send INTERFACE STAMP_AT RATE BURST SECONDS   frames of standard input, a line of hexadecimal each, in turn
//   wire_load sink INTERFACE STAMP_AT                      says what has come since the last time, for each line of input
//   wire_load reflect INTERFACE                            the bare reflector, until the input ends
//
// RATE is a second, 0 as fast as can be.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/mman.h>
#include <sys/time.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "tests/bench/load/process.h"
#include "tests/bench/load/wire.h"

namespace {

using bench::give_up;
using Frame = std::vector<std::uint8_t>;

// Far more than there is time for: a signal ends the call.
constexpr std::uint32_t kRepeat = 1U << 31;

class Programs {
 public:
  explicit Programs(const WireOwn& own) : object_(bpf_object__open_file(WIRE_PROGRAMS, nullptr)) {
    libbpf_set_print(nullptr);
    if (object_ == nullptr) give_up(WIRE_PROGRAMS);
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object_) {
      if (!std::string_view(bpf_map__name(map)).ends_with(".rodata")) continue;
      if (bpf_map__set_initial_value(map, &own, sizeof own) != 0) give_up("its constants");
    }
    if (bpf_object__load(object_) != 0) give_up("the kernel does not take the programs");
  }
  int program(const char* name) const {
    return bpf_program__fd(bpf_object__find_program_by_name(object_, name));
  }
  int map(const char* name) const { return bpf_object__find_map_fd_by_name(object_, name); }
  void attach(const char* name, unsigned interface) const {
    LIBBPF_OPTS(bpf_link_create_opts, options);
    options.flags = XDP_FLAGS_DRV_MODE;
    if (bpf_link_create(program(name), static_cast<int>(interface), BPF_XDP, &options) < 0) {
      give_up(name);
    }
  }

 private:
  bpf_object* object_;
};

unsigned interface_of(const char* name) {
  const unsigned index = ::if_nametoindex(name);
  if (index == 0) give_up(name);
  return index;
}

std::vector<Frame> frames_of_input() {
  std::vector<Frame> frames;
  for (std::string line; std::getline(std::cin, line);) {
    Frame& frame = frames.emplace_back();
    for (std::size_t i = 0; i + 1 < line.size(); i += 2) {
      frame.push_back(static_cast<std::uint8_t>(std::stoul(line.substr(i, 2), nullptr, 16)));
    }
    if (frame.size() < kWireHeadBytes) give_up("a frame is too short");
  }
  if (frames.empty() || frames.size() > kWireMostFrames) give_up("so many frames");
  return frames;
}

void send(unsigned interface, std::uint32_t stamp_at, double rate, std::uint32_t burst,
          double seconds) {
  auto frames = frames_of_input();
  const Programs programs(
      {.frames = static_cast<std::uint32_t>(frames.size()),
       .stamp_at = stamp_at,
       .leaves_by = interface,
       .burst = burst,
       .interval = rate > 0 ? static_cast<std::uint64_t>(1e9 * burst / rate) : 0});
  for (std::uint32_t i = 0; i < frames.size(); ++i) {
    WireHead head{};
    std::copy_n(frames[i].begin(), kWireHeadBytes, head.bytes);
    if (bpf_map_update_elem(programs.map("heads"), &i, &head, BPF_ANY) != 0) give_up("heads");
  }
  LIBBPF_OPTS(bpf_test_run_opts, run);
  run.data_in = frames[0].data();
  run.data_size_in = static_cast<std::uint32_t>(frames[0].size());
  run.repeat = kRepeat;
  run.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
  struct sigaction woken{};
  woken.sa_handler = [](int) {};
  ::sigaction(SIGALRM, &woken, nullptr);
  const auto whole = static_cast<time_t>(seconds);
  const itimerval timer{.it_interval = {},
                        .it_value = {.tv_sec = whole,
                                     .tv_usec = static_cast<suseconds_t>(
                                         (seconds - static_cast<double>(whole)) * 1e6)}};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
  if (bpf_prog_test_run_opts(programs.program("wire_send"), &run) != -EINTR) give_up("wire_send");
}

void tell(const WireSeen& seen) {
  std::cout << "{\"packets\": " << seen.packets << ", \"buckets\": {";
  const char* between = "";
  for (std::uint64_t i = 0; i < kWireBuckets; ++i) {
    if (seen.buckets[i] == 0) continue;
    const std::uint64_t shift = i < 2 * kWireParts ? 0 : i / kWireParts - 1;
    const std::uint64_t age = (i - shift * kWireParts) << shift;
    std::cout << between << '"' << age << "\": " << seen.buckets[i];
    between = ", ";
  }
  std::cout << "}}" << std::endl;
}

void sink(unsigned interface, std::uint32_t stamp_at) {
  const Programs programs(
      {.frames = 0, .stamp_at = stamp_at, .leaves_by = 0, .burst = 0, .interval = 0});
  void* memory = ::mmap(nullptr, sizeof(WireSeen), PROT_READ | PROT_WRITE, MAP_SHARED,
                        programs.map("seen"), 0);
  if (memory == MAP_FAILED) give_up("seen");
  auto& seen = *static_cast<WireSeen*>(memory);
  programs.attach("wire_sink", interface);
  bench::say("ready");
  for (std::string line; std::getline(std::cin, line);) {
    const WireSeen told = seen;
    seen = {};
    tell(told);
  }
}

void reflect(unsigned interface) {
  const Programs programs({});
  programs.attach("wire_reflect", interface);
  bench::say("ready");
  while (std::cin.get() != EOF) {
  }
}

} // namespace

int main(int argc, char** argv) {
  const std::span<char*> given(argv, static_cast<std::size_t>(argc));
  const std::string what = argc > 2 ? given[1] : "";
  const auto number = [&](std::size_t i) { return std::stod(given[i]); };
  const auto whole = [&](std::size_t i) { return static_cast<std::uint32_t>(number(i)); };
  if (what == "send" && argc == 7) {
    send(interface_of(given[2]), whole(3), number(4), whole(5), number(6));
  } else if (what == "sink" && argc == 4) {
    sink(interface_of(given[2]), whole(3));
  } else if (what == "reflect" && argc == 3) {
    reflect(interface_of(given[2]));
  } else {
    std::cerr << "see the head of wire_load.cc\n";
    return 2;
  }
  return 0;
}
