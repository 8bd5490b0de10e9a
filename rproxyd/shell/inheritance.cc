#include "rproxyd/shell/inheritance.h"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "libcore/event/loop.h"

namespace rproxyd {
namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

} // namespace

core::Result<Inheritance> Inheritance::begin(const std::optional<std::string>& admin_socket) {
  if (!admin_socket) {
    return core::failure(
        "--take-over needs admin.socket in the configuration: there the other process is found");
  }
  auto taking = take_over::Taking::begin(*admin_socket, "rproxyd");
  if (!taking) return std::unexpected(taking.error());
  Inheritance inherited(*std::move(taking));
  const auto offered = inherited.taking_.offer(
      [&inherited](take_over::Message& portion) { return inherited.adopt(portion); });
  if (!offered) return std::unexpected(offered.error());
  return inherited;
}

Inheritance::~Inheritance() {
  if (!thread_.joinable()) return;
  ::shutdown(taking_.notes()->socket(), SHUT_RDWR);
  thread_.join();
}

void Inheritance::prepare(Service& service) const {
  service.key_salts = key_salts_;
  if (!ticket_keys_.empty()) service.tickets->adopt(ticket_keys_);
}

// ---- what is offered

core::Result<void> Inheritance::adopt(take_over::Message& portion) {
  const json& state = portion.state;
  if (!state.is_object()) return core::failure("the running daemon sent what can't be understood");
  const std::string what = text_of(state, "what");
  if (what == "rproxyd") {
    const auto version = state.find("version");
    understood_ = version != state.end() && *version == kStateVersion;
  }
  if (!understood_) {
    return core::failure(
        "the running daemon is of a version from which this one can't take over: restart instead");
  }
  bool read = true;
  if (what == "listener") {
    read = adopt_listener(portion, listeners_);
  } else if (what == "admin") {
    read = adopt_listener(portion, admin_);
  } else if (what == "key_salts") {
    const auto pools = state.find("pools");
    read = pools != state.end() && pools->is_object();
    if (read) {
      for (const auto& [name, salt] : pools->items()) {
        if (salt.is_string()) key_salts_[name] = salt.get<std::string>();
      }
    }
  } else if (what == "ticket_keys") {
    const auto keys = state.find("keys");
    read = keys != state.end() && keys->is_binary();
    if (read) {
      const auto& bytes = keys->get_binary();
      ticket_keys_ = core::Secret(std::string(bytes.begin(), bytes.end()));
    }
  } else {
    read = add(state_, state, event::read_now());
  }
  if (read) return {};
  return core::failure("the running daemon sent what can't be understood, about: " + what);
}

bool Inheritance::adopt_listener(take_over::Message& portion, std::vector<Listener>& to) const {
  const auto configured = core::SocketAddress::parse(text_of(portion.state, "address"));
  const auto bound = core::SocketAddress::parse(text_of(portion.state, "bound"));
  if (!configured || !bound) return false;
  to.push_back({*configured, *bound, std::move(portion.descriptors)});
  return true;
}

// Several may have been configured with one address, with a port of the kernel's choice.
std::vector<event::Fd> Inheritance::take(std::vector<Listener>& from,
                                         const core::SocketAddress& address) {
  auto found = std::ranges::find(from, address, &Listener::configured);
  if (found == from.end()) found = std::ranges::find(from, address, &Listener::bound);
  if (found == from.end()) return {};
  std::vector<event::Fd> sockets = std::move(found->sockets);
  from.erase(found);
  return sockets;
}

std::vector<event::Fd> Inheritance::take_listener(const core::SocketAddress& address) {
  return take(listeners_, address);
}

event::Fd Inheritance::take_admin(const core::SocketAddress& address) {
  auto sockets = take(admin_, address);
  return sockets.empty() ? event::Fd() : std::move(sockets.front());
}

// ---- the rest

core::Result<void> Inheritance::complete(Service& service) {
  const auto rest =
      taking_.remainder([this](take_over::Message& portion) { return adopt(portion); });
  if (!rest) {
    if (!taking_.predecessor_died()) return rest;
    // Nobody serves any more, and what its clients connect to is here. Bans stand in their file.
    service.log->warning("take_over.incomplete",
                         "the process before this one has died: what it had counted is lost",
                         logging::field("reason", rest.error()));
    state_ = {};
  }
  const core::Now now = event::read_now();
  const auto generation = service.generation();
  if (generation->guard && state_.guard) generation->guard->adopt(*state_.guard, now);
  for (const auto& [name, known] : state_.pools) {
    for (const auto& pool : generation->pools) {
      if (pool->name() == name) pool->adopt(known, now.steady);
    }
  }
  state_ = {};
  if (auto serves = taking_.serve(); !serves) return serves;
  listeners_.clear(); // those that are not configured here
  service.log->info("take_over.taken", "this process serves in place of another",
                    logging::field("predecessor", taking_.predecessor()));
  return {};
}

void Inheritance::listen(Service& service) {
  if (!taking_.notes()) return; // it has died
  thread_ = std::thread([this, &service] { hear(service); });
}

void Inheritance::hear(Service& service) const {
  for (;;) {
    const auto note = taking_.notes()->receive(std::chrono::hours(1));
    if (!note) {
      if (!taking_.notes()->ended()) continue; // nothing to say
      break;
    }
    const core::Now now = event::read_now();
    const auto generation = service.generation();
    if (const auto noted = attempt_of(note->state); noted && generation->guard)
      generation->guard->count(noted->attempt, noted->outcome, now);
    if (const auto noted = home_of(note->state)) {
      for (const auto& pool : generation->pools) {
        if (pool->name() == noted->pool) pool->settle(noted->client, noted->backend, now.steady);
      }
    }
  }
  service.log->info("take_over.predecessor_ended", "the process before this one has ended");
}

} // namespace rproxyd
