#include "rproxyd/shell/fleet_store.h"

#include <algorithm>
#include <utility>

#include "rproxyd/guard/fleet_script.h"

namespace rproxyd {

core::Result<std::unique_ptr<FleetStore>> FleetStore::make(const redis::Server& server) {
  std::unique_ptr<FleetStore> store(new FleetStore(server));
  if (server.tls) {
    auto tls = tls::ClientContext::make({.verify = server.verify, .ca_file = server.ca_file});
    if (!tls) return std::unexpected(tls.error());
    store->tls_ = *std::move(tls);
  }
  if (!core::IpAddress::parse(server.host)) {
    auto resolver = dns::Resolver::make({}, kNamePatience);
    if (!resolver) return std::unexpected(resolver.error());
    store->resolver_ = std::make_unique<dns::Resolver>(*std::move(resolver));
  }
  return store;
}

void FleetStore::begin(FleetDesk& desk) {
  desk_ = &desk;
  thread_ = std::thread([this] {
    connection_ = std::make_unique<redis::Connection>(loop_, buffers_, tls_.get(),
                                                      static_cast<redis::ConnectionEvents&>(*this));
    loop_.set_after(connect_, core::Duration::zero());
    loop_.run();
    for (core::Deadline* deadline : {&connect_, &give_up_, &turn_}) loop_.cancel(*deadline);
    connection_.reset();
  });
}

FleetStore::~FleetStore() {
  if (!thread_.joinable()) return;
  loop_.post([this] { loop_.stop(); });
  thread_.join();
}

void FleetStore::poke() {
  if (poked_.exchange(true)) return;
  loop_.post([this] {
    poked_ = false;
    pump();
  });
}

// ---- the connection

void FleetStore::connect() {
  const auto found = address();
  if (!found) return lose(found.error().text);
  loop_.set_after(give_up_, kConnectPatience);
  if (auto opened = connection_->open(server_, *found); !opened) lose(opened.error().text);
}

core::Result<core::SocketAddress> FleetStore::address() {
  if (const auto ip = core::IpAddress::parse(server_.host))
    return core::SocketAddress(*ip, server_.port);
  auto found = resolver_->addresses(server_.host);
  if (!found) return std::unexpected(found.error());
  return core::SocketAddress(found->list.front(), server_.port);
}

void FleetStore::lose(std::string_view why) {
  const std::string said(why);
  connection_->close();
  script_.clear();
  loop_.cancel(give_up_);
  loop_.cancel(turn_);
  desk_->store_gone(said, loop_.now());
  loop_.set_after(connect_, kTryAgain);
}

void FleetStore::on_redis_ready() {
  const std::string load[] = {"SCRIPT", "LOAD", std::string(kFleetScript)};
  if (!connection_->send(load)) lose("it takes nothing");
}

void FleetStore::on_redis_end(std::string_view why) { lose(why); }

void FleetStore::on_redis_answer(resp::Value answer) {
  if (answer.kind == resp::Value::Kind::error) return lose(answer.text);
  if (script_.empty()) {
    if (!take_script(answer)) return lose("it does not take the script");
    loop_.cancel(give_up_);
    desk_->store_connected(loop_.now());
  } else if (auto taken = desk_->store_answer(answer, loop_.now()); !taken) {
    return lose(taken.error().text);
  }
  pump();
}

bool FleetStore::take_script(const resp::Value& answer) {
  if (!answer.is_text() || answer.text.empty()) return false;
  script_ = answer.text;
  return true;
}

void FleetStore::on_deadline(int kind) {
  if (kind == kConnect) return connect();
  if (kind == kGiveUp) return lose("it does not answer");
  pump();
}

// ---- requests

void FleetStore::pump() {
  if (script_.empty()) return;
  if (auto well = desk_->store_tick(loop_.now()); !well) return lose(well.error().text);
  if (auto request = desk_->store_request(loop_.now())) {
    std::vector<std::string> words{"EVALSHA", script_, "1", std::string(kFleetKey)};
    std::ranges::move(*request, std::back_inserter(words));
    if (!connection_->send(words)) return lose("it takes nothing");
  }
  loop_.set(turn_, std::max(desk_->store_due(), loop_.now().steady + std::chrono::milliseconds(1)));
}

} // namespace rproxyd
