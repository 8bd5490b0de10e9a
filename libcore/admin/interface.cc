#include "libcore/admin/interface.h"

#include <utility>

#include "libcore/event/socket.h"

namespace admin {

std::unique_ptr<Interface> Interface::open(const config::Admin& settings, Content& content,
                                           Commands& commands, logging::Logger& log) {
  std::unique_ptr<Interface> self(new Interface(content, commands, log));
  commands.add("status", [raw = self.get()](const nlohmann::json&) {
    auto status = raw->content_.status();
    status["ok"] = true;
    return status;
  });
  if (settings.address) self->open_http(*settings.address);
  if (settings.socket) self->open_socket(*settings.socket);
  self->thread_ = std::thread([raw = self.get()] { raw->loop_.run(); });
  return self;
}

Interface::Interface(Content& content, Commands& commands, logging::Logger& log)
    : log_(log), commands_(commands), content_(content), endpoints_(content_, commands) {}

Interface::~Interface() {
  socket_.reset();
  loop_.post([this] { loop_.stop(); });
  thread_.join();
}

void Interface::open_http(const core::SocketAddress& address) {
  auto socket = event::listen_tcp(address, event::Sharing::exclusive);
  if (!socket) {
    log_.warning("admin.unavailable", "health, metrics and status can't be asked for",
                 logging::field("reason", socket.error()));
    return;
  }
  address_ = event::local_address(socket->get());
  http_ =
      std::make_unique<HttpServer>(loop_, std::move(*socket),
                                   [this](const HttpRequest& request, const HttpServer::Visitor&,
                                          const core::Now&) { return endpoints_.answer(request); });
}

void Interface::open_socket(const std::string& path) {
  auto server = Server::start(path, commands_);
  if (server) {
    socket_ = *std::move(server);
    return;
  }
  log_.warning("admin.unavailable", "commands can't reach this daemon",
               logging::field("reason", server.error()));
}

} // namespace admin
