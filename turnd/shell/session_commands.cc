#include "turnd/shell/session_commands.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "libcore/admin/commands.h"
#include "libcore/event/gathering.h"
#include "libcore/event/loop.h"

namespace turnd {
namespace {

std::int64_t whole_seconds(core::Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

nlohmann::json to_json(const Traffic& traffic) {
  return {{"packets", traffic.packets}, {"bytes", traffic.bytes}};
}

nlohmann::json to_json(const SessionView& view, bool with_peers, const core::Now& now) {
  auto relays = nlohmann::json::array();
  for (const core::SocketAddress& relay : view.relays) relays.push_back(relay.to_string());
  nlohmann::json json{{"id", to_string(view.session.id)},
                      {"user", view.user},
                      {"transport", name_of(view.five_tuple.transport)},
                      {"client", view.five_tuple.client.to_string()},
                      {"server", view.five_tuple.server.to_string()},
                      {"connected", view.has_client},
                      {"relays", std::move(relays)},
                      {"kind", view.tcp ? "tcp" : "udp"},
                      {"mobile", view.mobile},
                      {"age_seconds", whole_seconds(now.steady - view.session.since)},
                      {"seconds_left", std::max<std::int64_t>(whole_seconds(view.left), 0)},
                      {"permissions", view.permissions},
                      {"channels", view.channels},
                      {"connections", view.connections},
                      {"to_peers", to_json(view.session.to_peers)},
                      {"to_client", to_json(view.session.to_client)}};
  if (!with_peers) return json;
  auto& peers = json["peers"] = nlohmann::json::array();
  for (const core::SocketAddress& peer : view.peers) {
    peers.push_back(peer.port() == 0 ? peer.ip().to_string() : peer.to_string());
  }
  return json;
}

} // namespace

nlohmann::json SessionCommands::answer(const nlohmann::json& question) {
  const std::string action = admin::text_of(question, "action");
  if (action == "list" || action.empty()) return list(question);
  if (action == "kill") return end(question);
  return admin::refusal("\"" + action + "\" is nothing to do with sessions; expected list or kill");
}

nlohmann::json SessionCommands::list(const nlohmann::json& question) {
  SessionFilter filter;
  if (const std::string user = admin::text_of(question, "user"); !user.empty()) filter.user = user;
  if (const std::string client = admin::text_of(question, "client"); !client.empty()) {
    filter.client = core::Network::parse(client);
    if (!filter.client) {
      return admin::refusal("\"" + client + "\" is no address; expected one, or a network");
    }
  }
  const bool with_peers = question.value("peers", false);

  using Views = std::vector<SessionView>;
  const auto gathering = std::make_shared<event::Gathering<Views>>(workers_.size());
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->copy_sessions(
        filter, [gathering, i](Views views) { gathering->answer(i, std::move(views)); });
  }
  const auto answers = gathering->wait(kPatience);
  const core::Now now = event::read_now();
  auto sessions = nlohmann::json::array();
  std::size_t missing = 0;
  for (const auto& views : answers) {
    if (!views) {
      ++missing;
      continue;
    }
    for (const SessionView& view : *views) sessions.push_back(to_json(view, with_peers, now));
  }
  return {{"ok", true},
          {"at_seconds", core::seconds_of(now.steady.time_since_epoch())},
          {"workers_missing", missing},
          {"sessions", std::move(sessions)}};
}

// All are asked, since a mobile one may be with another worker than the one that made it.
nlohmann::json SessionCommands::end(const nlohmann::json& question) {
  const std::string text = admin::text_of(question, "id");
  const auto id = parse_session_id(text);
  if (!id) {
    return admin::refusal("\"" + text + "\" is no session's id; expected one such as \"0-17\"");
  }
  using Ended = std::optional<SessionView>;
  const auto gathering = std::make_shared<event::Gathering<Ended>>(workers_.size());
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->end_session(
        *id, [gathering, i](Ended ended) { gathering->answer(i, std::move(ended)); });
  }
  bool all_answered = true;
  for (const auto& answer : gathering->wait(kPatience)) {
    all_answered = all_answered && answer;
    if (answer && *answer) {
      return {{"ok", true}, {"session", to_json(**answer, true, event::read_now())}};
    }
  }
  return admin::refusal(all_answered ? text + " is no session: it has ended, or there was none"
                                     : "a worker is too busy to be asked; try again");
}

} // namespace turnd
