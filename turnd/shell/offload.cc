#include "turnd/shell/offload.h"

#include <utility>

#include "turnd/offload/interfaces.h"
#include "turnd/shell/worker.h"

namespace turnd {
namespace {

using Mode = Settings::Offload::Mode;

// In a take-over: {"offload": {"identity": …, "side": …}}, and descriptors.
constexpr const char* kPortion = "offload";
constexpr const char* kIdentity = "identity";
constexpr const char* kSide = "side";

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (!text.empty()) text += ' ';
    text += name;
  }
  return text;
}

std::vector<std::string> names_of(const std::vector<OffloadInterface>& interfaces) {
  std::vector<std::string> names;
  names.reserve(interfaces.size());
  for (const OffloadInterface& each : interfaces) names.push_back(each.name);
  return names;
}

// By which the interfaces are known that packets come and go by.
std::vector<core::IpAddress> addresses_of(const Settings& settings) {
  std::vector<core::IpAddress> addresses = settings.relay.addresses;
  for (const Settings::Listener& each : settings.listeners) {
    if (each.transport == Settings::Transport::udp) addresses.push_back(each.address.ip());
  }
  return addresses;
}

} // namespace

Offload::Offload(const Settings& settings)
    : settings_(settings.offload), addresses_(addresses_of(settings)) {}

Offload::~Offload() = default;

void Offload::load() {
  if (settings_.mode == Mode::off) return;
  auto kernel = loaded();
  if (kernel) {
    kernel_ = *std::move(kernel);
  } else {
    why_not_ = kernel.error().text;
  }
}

core::Result<std::unique_ptr<KernelRelay>> Offload::loaded() const {
  auto interfaces = settings_.interfaces.empty() ? interfaces_with(addresses_)
                                                 : interfaces_named(settings_.interfaces);
  if (!interfaces) return std::unexpected(interfaces.error());
  if (settings_.mode == Mode::automatic && settings_.interfaces.empty()) {
    const auto all = *interfaces;
    std::erase_if(*interfaces, [](const OffloadInterface& each) { return !has_driver(each); });
    if (interfaces->empty()) {
      return core::failure("virtual interfaces are served only if they are named: " +
                           joined(names_of(all)));
    }
  }
  for (OffloadInterface& each : *interfaces) each.sends_back = has_driver(each);
  if (auto allowed = allow_route_lookups(); !allowed) return std::unexpected(allowed.error());
  return KernelRelay::load(*interfaces, kBindings);
}

core::Result<void> Offload::start(const std::vector<Worker*>& workers, logging::Logger& log) {
  if (settings_.mode == Mode::off) return {};
  log_ = &log;
  if (kernel_ == nullptr) return do_without(why_not_);
  if (auto attached = kernel_->attach(); !attached) return do_without(attached.error().text);
  give_to(workers);
  return {};
}

void Offload::start_when_free(const std::vector<Worker*>& workers, event::Loop& loop,
                              logging::Logger& log) {
  if (settings_.mode == Mode::off || adopted_) return;
  log_ = &log;
  if (kernel_ == nullptr) return (void)do_without(why_not_);
  waiting_ = workers;
  loop_ = &loop;
  tries_left_ = kTries;
  on_deadline(0);
}

// This process serves already: what is demanded comes too late to be refused.
void Offload::on_deadline(int) {
  const auto attached = kernel_->attach();
  if (attached) return give_to(waiting_);
  if (--tries_left_ == 0) return (void)do_without(attached.error().text);
  loop_->set_after(retry_, kTryAgain);
}

void Offload::give_to(const std::vector<Worker*>& workers) {
  set_active(*log_);
  const auto share = kBindings / static_cast<std::uint32_t>(workers.size());
  for (std::size_t i = 0; i < workers.size(); ++i) {
    workers[i]->use_offload(*kernel_, static_cast<std::uint32_t>(i) * share, share);
  }
}

void Offload::set_active(logging::Logger& log) {
  {
    const std::lock_guard lock(mutex_);
    active_ = true;
  }
  log.info("offload.on", "channels of UDP clients are relayed in the kernel",
           logging::field("interfaces", joined(kernel_->interfaces())));
}

core::Result<void> Offload::offer(take_over::Portions& to) const {
  const std::lock_guard lock(mutex_);
  if (!active_) return {};
  const OffloadHandle handle = kernel_->handle();
  return to.add({{kPortion, {{kIdentity, kernel_->identity()}, {kSide, handle.side}}}},
                handle.descriptors);
}

bool Offload::is_offer(const take_over::Message& portion) {
  return portion.state.is_object() && portion.state.contains(kPortion);
}

void Offload::adopt(take_over::Message& portion) {
  const nlohmann::json& said = portion.state[kPortion];
  if (kernel_ == nullptr || !said.is_object()) return;
  const auto identity = said.find(kIdentity);
  const auto side = said.find(kSide);
  if (identity == said.end() || *identity != kernel_->identity()) return;
  if (side == said.end() || !side->is_number_unsigned()) return;
  auto adopted =
      KernelRelay::adopt(*kernel_, side->get<std::uint32_t>(), std::move(portion.descriptors));
  if (!adopted) return;
  kernel_ = *std::move(adopted);
  adopted_ = true;
}

void Offload::go_on(const std::vector<std::unique_ptr<Worker>>& workers, logging::Logger& log) {
  if (!adopted_) return;
  set_active(log);
  const auto share = kBindings / static_cast<std::uint32_t>(workers.size());
  for (std::size_t i = 0; i < workers.size(); ++i) {
    workers[i]->go_on_with_offload(*kernel_, static_cast<std::uint32_t>(i) * share, share);
  }
}

void Offload::end_others() {
  if (adopted_) kernel_->end_others();
}

core::Result<void> Offload::do_without(const std::string& why) {
  {
    const std::lock_guard lock(mutex_);
    why_not_ = why;
  }
  log_->warning("offload.off", "channels are not relayed in the kernel, but as without \"offload\"",
                logging::field("reason", why));
  if (settings_.mode != Mode::xdp) return {};
  return core::failure("offload: " + why + R"(; with "mode": "auto" turnd does without)");
}

void Offload::stop() {
  const std::lock_guard lock(mutex_);
  if (!active_) return;
  kernel_->detach();
  active_ = false;
  why_not_ = "another process serves";
}

OffloadState Offload::state() const {
  const std::lock_guard lock(mutex_);
  OffloadState state{.wanted = settings_.mode != Mode::off,
                     .active = active_,
                     .why_not = why_not_,
                     .interfaces = {},
                     .passes = {}};
  if (kernel_ == nullptr) return state;
  state.interfaces = kernel_->interfaces();
  state.passes = kernel_->passes();
  return state;
}

std::string_view name_of(OffloadPass why) {
  switch (why) {
    case kOffloadPassOrdinaryTurn:
      return "ordinary_turn";
    case kOffloadPassExpired:
      return "expired";
    case kOffloadPassHopLimit:
      return "hop_limit";
    case kOffloadPassChecksum:
      return "checksum";
    case kOffloadPassNoRoute:
      return "no_route";
    case kOffloadPassNoNeighbour:
      return "no_neighbour";
    case kOffloadPassTooLong:
      return "too_long";
    case kOffloadPassOtherInterface:
      return "other_interface";
    case kOffloadPassNoHeadroom:
      return "no_headroom";
    case kOffloadPasses:
      break;
  }
  return "";
}

} // namespace turnd
