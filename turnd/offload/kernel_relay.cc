#include "turnd/offload/kernel_relay.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "turnd/offload/program_bytes.h"

namespace turnd {
namespace {

// What is shared with the program is read and written as a whole, and in no particular order.
std::uint64_t value_of(const __u64& place) { return __atomic_load_n(&place, __ATOMIC_RELAXED); }
void set_value(__u64& place, std::uint64_t value) {
  __atomic_store_n(&place, value, __ATOMIC_RELAXED);
}

Traffic traffic_of(const OffloadRecord& record) {
  return {.packets = value_of(record.packets), .bytes = value_of(record.bytes)};
}

// A packet that is just passing may be counted in the one and not yet in the other.
Traffic taken_from(OffloadRecord& record) {
  return {.packets = __atomic_exchange_n(&record.packets, 0, __ATOMIC_RELAXED),
          .bytes = __atomic_exchange_n(&record.bytes, 0, __ATOMIC_RELAXED)};
}

core::Error failure(const std::string& what, int error) {
  return core::Error{what + ": " + std::strerror(error < 0 ? -error : error)};
}

std::uint64_t nanoseconds(core::TimePoint when) {
  const auto since_start = (when - KernelRelay::kClockStep).time_since_epoch();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(since_start.count(), 0));
}

std::size_t records_bytes(std::size_t records) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (records * sizeof(OffloadRecord) + page - 1) / page * page;
}

} // namespace

core::Result<std::unique_ptr<KernelRelay>> KernelRelay::load(
    std::span<const OffloadInterface> interfaces, std::uint32_t bindings) {
  libbpf_set_print(nullptr); // what fails is said once, by whoever asked
  std::unique_ptr<KernelRelay> relay(new KernelRelay);
  relay->bindings_ = bindings;
  relay->processors_ = static_cast<std::size_t>(std::max(libbpf_num_possible_cpus(), 0));
  relay->programs_.reserve(interfaces.size());
  for (const OffloadInterface& interface : interfaces) {
    if (auto loaded = relay->load_for(interface); !loaded) return std::unexpected(loaded.error());
  }
  if (auto mapped = relay->map_records(); !mapped) return std::unexpected(mapped.error());
  return relay;
}

core::Result<void> KernelRelay::attach() {
  for (Program& program : programs_) {
    if (auto attached = attach(program); !attached) {
      detach();
      return attached;
    }
  }
  return {};
}

KernelRelay::~KernelRelay() {
  for (Program& program : programs_) program.link.reset();
  if (!records_.empty()) ::munmap(records_.data(), records_bytes(records_.size()));
  for (const Program& program : programs_) bpf_object__close(program.object);
}

// A program for each interface, since each has its own link-layer address in it; one set of maps.
core::Result<void> KernelRelay::load_for(const OffloadInterface& interface) {
  bpf_object_open_opts options{};
  options.sz = sizeof options;
  options.object_name = "turnd_relay";
  const auto bytes = offload_program_bytes();
  bpf_object* object = bpf_object__open_mem(bytes.data(), bytes.size(), &options);
  if (object == nullptr) return std::unexpected(failure("the program", errno));
  programs_.push_back({.interface = interface, .object = object, .link = {}, .fd = -1});

  std::uint8_t* constants = nullptr;
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    const std::string_view name = bpf_map__name(map);
    if (name.ends_with(".rodata")) {
      std::size_t size = 0;
      constants = static_cast<std::uint8_t*>(
          const_cast<void*>(bpf_map__initial_value(map, &size))); // NOLINT: ours to write
      if (size < sizeof(OffloadOwn)) constants = nullptr;
      continue;
    }
    int* shared = name == "directions"   ? &maps_.directions
                  : name == "records"    ? &maps_.records
                  : name == "interfaces" ? &maps_.interfaces
                  : name == "passes"     ? &maps_.passes
                                         : nullptr;
    if (shared == nullptr) continue;
    if (*shared >= 0) {
      if (const int error = bpf_map__reuse_fd(map, *shared); error != 0) {
        return std::unexpected(failure("the program's maps", error));
      }
    } else if (name == "directions" || name == "records") {
      bpf_map__set_max_entries(map, name == "records" ? kSides * 2 * bindings_ : 2 * bindings_);
    }
  }
  if (constants == nullptr) return std::unexpected(core::Error{"the program has no constants"});
  OffloadOwn own{};
  std::ranges::copy(interface.mac, own.mac);
  own.sends_back = interface.sends_back ? 1 : 0;
  std::memcpy(constants, &own, sizeof own);

  if (const int error = bpf_object__load(object); error != 0) {
    return std::unexpected(failure("the kernel does not take the program", error));
  }
  programs_.back().fd = bpf_program__fd(bpf_object__find_program_by_name(object, "turnd_relay"));
  if (maps_.directions >= 0) return {};
  bpf_prog_info info{};
  std::uint32_t info_bytes = sizeof info;
  if (bpf_obj_get_info_by_fd(programs_.back().fd, &info, &info_bytes) != 0) {
    return std::unexpected(failure("the program", errno));
  }
  tag_ = fmt::format("{:02x}", fmt::join(info.tag, ""));
  const auto fd_of = [&](const char* name) {
    return bpf_object__find_map_fd_by_name(object, name);
  };
  maps_ = {.directions = fd_of("directions"),
           .records = fd_of("records"),
           .interfaces = fd_of("interfaces"),
           .passes = fd_of("passes")};
  return {};
}

core::Result<void> KernelRelay::map_records() {
  const std::size_t count = std::size_t{kSides} * 2 * bindings_;
  void* memory =
      ::mmap(nullptr, records_bytes(count), PROT_READ | PROT_WRITE, MAP_SHARED, maps_.records, 0);
  if (memory == MAP_FAILED) return std::unexpected(failure("the program's records", errno));
  records_ = {static_cast<OffloadRecord*>(memory), count};
  return {};
}

core::Result<void> KernelRelay::attach(Program& program) const {
  const OffloadInterface& interface = program.interface;
  const std::uint32_t index = interface.index;
  if (bpf_map_update_elem(maps_.interfaces, &index, &index, BPF_ANY) != 0) {
    return std::unexpected(failure("interface " + interface.name, errno));
  }
  LIBBPF_OPTS(bpf_link_create_opts, options);
  options.flags = XDP_FLAGS_DRV_MODE;
  const int link = bpf_link_create(program.fd, static_cast<int>(index), BPF_XDP, &options);
  if (link < 0) {
    const std::string why = errno == EBUSY ? "another program has it" : std::strerror(errno);
    return std::unexpected(core::Error{"interface " + interface.name + ": " + why});
  }
  program.link = event::Fd(link);
  return {};
}

std::array<OffloadEntry, 2> KernelRelay::entries_of(std::uint32_t number,
                                                    const OffloadBinding& binding) const {
  return {entry_to_peer(binding, place(number)), entry_to_client(binding, place(number))};
}

std::optional<OffloadDirection> KernelRelay::there(const OffloadEntry& entry) const {
  OffloadDirection found{};
  if (bpf_map_lookup_elem(maps_.directions, &entry.key, &found) != 0) return std::nullopt;
  return found;
}

core::Result<OffloadCounts> KernelRelay::add(std::uint32_t number, const OffloadBinding& binding,
                                             core::TimePoint expires) {
  const auto entries = entries_of(number, binding);
  std::array<Traffic, 2> before;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const OffloadEntry& entry = entries[i];
    OffloadRecord& record = record_of(entry);
    set_value(record.packets, 0);
    set_value(record.bytes, 0);
    set_value(record.next_ordinary, 0);
    set_value(record.way.until, 0);
    set_value(record.expires, nanoseconds(expires));
    const auto other = there(entry);
    if (other && !is_own(other->record)) {
      set_value(record.next_ordinary, value_of(records_[other->record].next_ordinary));
    }
    const bool replaces = other && !is_own(other->record);
    const auto flags = replaces ? BPF_ANY : BPF_NOEXIST;
    if (bpf_map_update_elem(maps_.directions, &entry.key, &entry.direction, flags) != 0) {
      const int error = errno;
      if (i > 0) bpf_map_delete_elem(maps_.directions, &entries[0].key);
      return std::unexpected(failure("offload", error));
    }
    if (replaces) before[i] = taken_from(records_[other->record]);
  }
  return OffloadCounts{.to_peer = before[0], .to_client = before[1]};
}

OffloadCounts KernelRelay::take_back(std::uint32_t number, const OffloadBinding& binding) {
  const auto entries = entries_of(number, binding);
  std::array<Traffic, 2> before;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const OffloadEntry& entry = entries[i];
    const auto other = there(entry);
    if (!other || is_own(other->record)) continue;
    bpf_map_update_elem(maps_.directions, &entry.key, &entry.direction, BPF_ANY);
    before[i] = taken_from(records_[other->record]);
  }
  return {.to_peer = before[0], .to_client = before[1]};
}

// Entries without a record in force forward nothing. Whoever had them removes them, if it still can.
void KernelRelay::end_others() {
  const std::size_t half = records_.size() / kSides;
  for (OffloadRecord& record : records_.subspan((1 - side_) * half, half)) {
    if (value_of(record.expires) != 0) set_value(record.expires, 0);
  }
}

void KernelRelay::prolong(std::uint32_t number, core::TimePoint expires) {
  set_value(records_[record_to_peer(place(number))].expires, nanoseconds(expires));
  set_value(records_[record_to_client(place(number))].expires, nanoseconds(expires));
}

// It ends with the first line; the rest gives its room back. What another process has made its own stays.
OffloadCounts KernelRelay::remove(std::uint32_t number, const OffloadBinding& binding) {
  prolong(number, core::TimePoint{});
  for (const OffloadEntry& entry : entries_of(number, binding)) {
    const auto found = there(entry);
    if (found && is_own(found->record)) bpf_map_delete_elem(maps_.directions, &entry.key);
  }
  return counts(number);
}

OffloadCounts KernelRelay::counts(std::uint32_t number) const {
  return {.to_peer = traffic_of(records_[record_to_peer(place(number))]),
          .to_client = traffic_of(records_[record_to_client(place(number))])};
}

OffloadCounts KernelRelay::take_counts(std::uint32_t number) {
  return {.to_peer = taken_from(records_[record_to_peer(place(number))]),
          .to_client = taken_from(records_[record_to_client(place(number))])};
}

std::array<std::uint64_t, kOffloadPasses> KernelRelay::passes() const {
  std::array<std::uint64_t, kOffloadPasses> sums{};
  std::vector<std::uint64_t> each(processors_);
  if (each.empty()) return sums;
  for (std::uint32_t why = 0; why < kOffloadPasses; ++why) {
    if (bpf_map_lookup_elem(maps_.passes, &why, each.data()) != 0) continue;
    for (const std::uint64_t count : each) sums[why] += count;
  }
  return sums;
}

void KernelRelay::detach() {
  for (Program& program : programs_) program.link.reset();
}

std::vector<std::string> KernelRelay::interfaces() const {
  std::vector<std::string> names;
  names.reserve(programs_.size());
  for (const Program& program : programs_) names.push_back(program.interface.name);
  return names;
}

void KernelRelay::set_next_ordinary(std::uint32_t number, std::uint64_t nanoseconds) {
  set_value(records_[record_to_peer(place(number))].next_ordinary, nanoseconds);
  set_value(records_[record_to_client(place(number))].next_ordinary, nanoseconds);
}

} // namespace turnd
