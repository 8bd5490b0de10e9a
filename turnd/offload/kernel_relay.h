// The program in the kernel, its maps, and the interfaces that it runs on. It lives no longer than this
// object, and so no longer than the process: whatever ends that detaches the program.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libcore/base/error.h"
#include "libcore/base/time.h"
#include "libcore/event/fd.h"
#include "turnd/offload/entries.h"
#include "turnd/offload/layout.h"
#include "turnd/relay/offload.h"
#include "turnd/relay/session.h"

struct bpf_object;

namespace turnd {

struct OffloadInterface {
  std::string name;
  std::uint32_t index = 0;
  std::array<std::uint8_t, kOffloadMacBytes> mac{};
  bool sends_back = false; // see OffloadOwn

  friend bool operator==(const OffloadInterface&, const OffloadInterface&) = default;
};

struct OffloadCounts { // since the binding was added
  Traffic to_peer;
  Traffic to_client;
};

// What another process needs to go on with what is in the kernel: it forwards as long as one of them has it.
struct OffloadHandle {
  std::vector<int> descriptors; // borrowed where they are given
  std::uint32_t side = 0;       // the giver's
};

class KernelRelay {
 public:
  static constexpr std::uint32_t kSides = 2;

  // The program's clock moves in steps of at most this (at 100 a second), so its bindings end earlier.
  static constexpr core::Duration kClockStep = std::chrono::milliseconds(10);

  // For so many bindings; on all of the interfaces, by their drivers, or on none. What load() needs (root, or
  // CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON) nothing afterwards does. attach() may be tried again.
  static core::Result<std::unique_ptr<KernelRelay>> load(
      std::span<const OffloadInterface> interfaces, std::uint32_t bindings);
  core::Result<void> attach();
  // Of the process that this one takes over from, in whose place `own` was loaded: the same program on the
  // same interfaces. Attached. Bindings that are there go on; add() makes them this process's.
  static core::Result<std::unique_ptr<KernelRelay>> adopt(const KernelRelay& own,
                                                          std::uint32_t side,
                                                          std::vector<event::Fd> descriptors);
  ~KernelRelay();
  KernelRelay(const KernelRelay&) = delete;
  KernelRelay& operator=(const KernelRelay&) = delete;

  // From any thread; a number is one thread's at a time, and below the number of bindings. After add()
  // has failed nothing is there. What add() and take_back() return is what has been counted of a binding that
  // another process had here, and isn't told to anybody yet.
  core::Result<OffloadCounts> add(std::uint32_t number, const OffloadBinding& binding,
                                  core::TimePoint expires);
  void prolong(std::uint32_t number, core::TimePoint expires);
  // What it has counted in the end: a packet that is just passing may be missing.
  OffloadCounts remove(std::uint32_t number, const OffloadBinding& binding);
  OffloadCounts counts(std::uint32_t number) const;
  // And counts from 0 again.
  OffloadCounts take_counts(std::uint32_t number);
  // What the process before this one had, and add() has not made this one's, ends.
  void end_others();
  // The process that was to take over hasn't.
  OffloadCounts take_back(std::uint32_t number, const OffloadBinding& binding);
  // Packets of bindings that took the ordinary way, by OffloadPass.
  std::array<std::uint64_t, kOffloadPasses> passes() const;

  // Nothing is forwarded any more, for good. What add() and the others do is without effect, then.
  void detach();
  std::vector<std::string> interfaces() const;

  OffloadHandle handle() const;
  // Who has the same may adopt() from the other one: program, interfaces and number of bindings.
  std::string identity() const;

  // For tests: the program of an interface, and what the next packet from then on takes.
  int program(std::size_t interface) const { return programs_[interface].fd; }
  void set_next_ordinary(std::uint32_t number, std::uint64_t nanoseconds);

 private:
  KernelRelay() = default;

  struct Program {
    OffloadInterface interface;
    bpf_object* object = nullptr;
    event::Fd link;
    int fd = -1;
  };
  struct Maps { // of the first program, which the others share
    int directions = -1;
    int records = -1;
    int interfaces = -1;
    int passes = -1;
  };
  // A process has one half of the records for its own, so that numbers of two processes don't meet.
  std::uint32_t place(std::uint32_t number) const { return number + side_ * bindings_; }
  bool is_own(std::uint32_t record) const { return record / 2 / bindings_ == side_; }
  OffloadRecord& record_of(const OffloadEntry& entry) const {
    return records_[entry.direction.record];
  }
  std::array<OffloadEntry, 2> entries_of(std::uint32_t number, const OffloadBinding& binding) const;
  // nullopt: nothing leads there.
  std::optional<OffloadDirection> there(const OffloadEntry& entry) const;
  core::Result<void> load_for(const OffloadInterface& interface);
  core::Result<void> map_records();
  core::Result<void> attach(Program& program) const;

  std::uint32_t bindings_ = 0;
  std::uint32_t side_ = 0;
  std::string tag_;                // of the program
  std::vector<event::Fd> adopted_; // what no object has opened
  std::size_t processors_ = 0;     // that may ever be there: each counts for itself
  Maps maps_;
  std::vector<Program> programs_;
  std::span<OffloadRecord> records_;
};

} // namespace turnd
