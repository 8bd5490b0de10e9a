#include "libcore/admin/interface.h"

#include <future>
#include <utility>

#include "libcore/event/socket.h"
#include "libcore/tls/certificate.h"
#include "libcore/tls/server_context.h"

namespace admin {
namespace {

constexpr core::Duration kWrongTokensAreSaid = std::chrono::minutes(1); // at most once in

core::Result<std::shared_ptr<const tls::ServerContext>> tls_of(const config::Admin& settings) {
  if (!settings.tls) return nullptr;
  std::vector<tls::Certificate> certificates;
  for (const config::CertificateFiles& files : settings.tls->certificates) {
    auto certificate = tls::load_certificate(files.certificate, files.key);
    if (!certificate) return std::unexpected(certificate.error());
    certificates.push_back(*std::move(certificate));
  }
  return tls::ServerContext::make(
      certificates,
      {.client_ca_file = settings.tls->client_ca_file.value_or(""), .alpn = {"http/1.1"}});
}

} // namespace

std::unique_ptr<Interface> Interface::open(const config::Admin& settings, Content& content,
                                           Commands& commands, logging::Logger& log,
                                           Inherited inherited) {
  std::unique_ptr<Interface> self(new Interface(content, commands, log));
  commands.add("status", [raw = self.get()](const nlohmann::json&) {
    auto status = raw->content_.status();
    status["ok"] = true;
    return status;
  });
  self->asked_ = settings;
  if (auto change = self->open_http(settings, std::move(inherited.http))) {
    self->serve_http(*change);
  } else {
    log.warning("admin.unavailable", "health, metrics and status can't be asked for",
                logging::field("reason", change.error()));
  }
  if (auto socket = self->open_socket(settings.socket, inherited.replaces)) {
    self->settings_.socket = settings.socket;
    self->socket_ = *std::move(socket);
  } else {
    log.warning("admin.unavailable", "commands can't reach this daemon",
                logging::field("reason", socket.error()));
  }
  self->thread_ = std::thread([raw = self.get()] {
    raw->loop_.set_after(raw->next_point_, core::Duration(0));
    raw->loop_.run();
    raw->http_.reset();
  });
  return self;
}

Interface::Interface(Content& content, Commands& commands, logging::Logger& log)
    : log_(log),
      commands_(commands),
      content_(content),
      access_(config::Admin{}),
      endpoints_(content_, commands_, access_,
                 [this](const Visitor& visitor, const core::Now& now) {
                   note_wrong_token(visitor, now);
                 }) {}

Interface::~Interface() {
  socket_.reset();
  loop_.post([this] { loop_.stop(); });
  thread_.join();
}

std::optional<core::SocketAddress> Interface::address() const { return settings_.address; }

core::Result<Interface::Change> Interface::prepare(const config::Admin& settings) const {
  auto change = open_http(settings, event::Fd());
  if (!change) {
    if (http_ || settings.address != asked_.address) return change;
    change = Change();
    change->settings_ = settings;
    change->settings_.address.reset();
  }
  change->asked_ = settings;
  if (settings.socket == settings_.socket) return change;
  if (auto server = open_socket(settings.socket, false)) {
    change->server_ = *std::move(server);
  } else {
    if (socket_ || settings.socket != asked_.socket) return std::unexpected(server.error());
    change->settings_.socket.reset();
  }
  return change;
}

void Interface::apply(Change change) {
  asked_ = change.asked_;
  if (change.settings_.socket != settings_.socket) {
    socket_ = std::move(change.server_);
    settings_.socket = change.settings_.socket;
  }
  // Waited for, so that address() tells the truth, and nobody is let in by a token that is gone.
  std::promise<void> applied;
  loop_.post([&] {
    serve_http(change);
    applied.set_value();
  });
  applied.get_future().wait();
}

// `settings` of what it gives: with the port that the address has got.
core::Result<Interface::Change> Interface::open_http(const config::Admin& settings,
                                                     event::Fd inherited) const {
  Change change;
  change.settings_ = settings;
  if (!settings.address) return change;
  auto tls = tls_of(settings);
  if (!tls) return std::unexpected(tls.error());
  change.tls_ = *std::move(tls);
  if (http_ && settings_.address &&
      (settings.address == settings_.address ||
       settings.address == settings_.address->with_port(0))) {
    change.settings_.address = settings_.address;
    return change;
  }
  core::Result<event::Fd> socket(std::move(inherited));
  if (!*socket) socket = event::listen_tcp(*settings.address, event::Sharing::exclusive);
  if (!socket) return std::unexpected(socket.error());
  change.settings_.address = event::local_address(socket->get());
  change.socket_ = *std::move(socket);
  return change;
}

core::Result<std::unique_ptr<Server>> Interface::open_socket(const std::optional<std::string>& path,
                                                             bool replaces) const {
  if (!path) return nullptr;
  return Server::start(*path, commands_, replaces);
}

event::Fd Interface::http_socket() {
  std::promise<event::Fd> copy;
  loop_.post([&] { copy.set_value(http_ ? http_->copy_of_socket() : event::Fd()); });
  return copy.get_future().get();
}

void Interface::hand_over() {
  if (socket_) socket_->hand_over();
  loop_.post([this] {
    if (http_) http_->stop_accepting();
  });
}

void Interface::serve_http(Change& change) {
  const auto handler = [this](const HttpRequest& request, const Visitor& visitor,
                              const core::Now& now) {
    return endpoints_.answer(request, visitor, now);
  };
  if (change.socket_) {
    http_ = std::make_unique<HttpServer>(loop_, std::move(change.socket_), change.tls_, handler);
  } else if (!change.settings_.address) {
    http_.reset();
  } else {
    http_->set_tls(change.tls_);
  }
  access_.set_rules(change.settings_);
  auto socket = std::move(settings_.socket);
  settings_ = std::move(change.settings_);
  settings_.socket = std::move(socket);
}

void Interface::on_deadline(int) {
  endpoints_.remember(loop_.now().wall);
  loop_.set_after(next_point_, History::kInterval);
}

void Interface::note_wrong_token(const Visitor& visitor, const core::Now& now) {
  ++wrong_tokens_;
  if (wrong_token_said_ && now.steady - *wrong_token_said_ < kWrongTokensAreSaid) return;
  log_.warning("admin.wrong_token", "somebody tried a wrong token at the admin address",
               logging::field("client", visitor.address.ip()),
               logging::field("times", std::exchange(wrong_tokens_, 0)));
  wrong_token_said_ = now.steady;
}

} // namespace admin
