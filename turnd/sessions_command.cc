#include "turnd/sessions_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <thread>

#include "libcore/program/command_line.h"
#include "libcore/program/live_view.h"
#include "turnd/settings/settings.h"

namespace turnd {
namespace {

// Between the two lists whose difference is a rate.
constexpr auto kRateWindow = std::chrono::seconds(1);
// Beside the rows: the summary, the titles, "and more", the keys.
constexpr std::size_t kOtherLines = 4;

std::size_t no_more_than(std::size_t limit) {
  return limit == 0 ? std::numeric_limits<std::size_t>::max() : limit;
}

// The daemon's own answer, in the order that was asked for and with the rates.
nlohmann::json with_rates(nlohmann::json answer, const SessionList& list, std::size_t at_most) {
  std::map<std::string, nlohmann::json> by_id;
  for (auto& each : answer["sessions"]) {
    by_id.emplace(each.at("id").get<std::string>(), std::move(each));
  }
  auto sessions = nlohmann::json::array();
  for (std::size_t i = 0; i < std::min(list.rows.size(), at_most); ++i) {
    const SessionRow& row = list.rows[i];
    nlohmann::json each = std::move(by_id[row.id]);
    each["to_peers"]["bits_per_second"] = std::llround(row.to_peers.bits_per_second);
    each["to_client"]["bits_per_second"] = std::llround(row.to_client.bits_per_second);
    sessions.push_back(std::move(each));
  }
  answer["sessions"] = std::move(sessions);
  return answer;
}

std::string live_picture(const SessionList& list, const std::string& trouble, std::size_t limit,
                         const program::Terminal& terminal) {
  using program::Style;
  if (!terminal.interactive) return list.summary() + '\n' + list.table(terminal, limit);
  const std::size_t room = terminal.height > kOtherLines ? terminal.height - kOtherLines : 0;
  const std::string head =
      program::shortened(trouble.empty() ? list.summary() : trouble, terminal.width);
  return program::styled(head, trouble.empty() ? Style::strong : Style::bad, terminal) + '\n' +
         list.table(terminal, std::min(limit, room)) +
         program::styled("q leaves", Style::faint, terminal);
}

} // namespace

SessionsCommand::SessionsCommand(CLI::App& app)
    : sessions_(app.add_subcommand("sessions", "list allocations of the running daemon, end one")),
      daemon_("turnd", *sessions_) {
  const std::map<std::string, SessionOrder> orders{
      {"age", SessionOrder::age},   {"rate", SessionOrder::rate}, {"bytes", SessionOrder::bytes},
      {"left", SessionOrder::left}, {"user", SessionOrder::user}, {"client", SessionOrder::client}};
  sessions_->require_subcommand(0, 1);
  sessions_->add_option("--user", user_, "only this user's")->type_name("NAME");
  sessions_->add_option("--client", client_, "only of clients at this address, or in this network")
      ->type_name("ADDR");
  sort_ =
      sessions_
          ->add_option("--sort", order_, "age (the oldest first), rate, bytes, left, user, client")
          ->transform(CLI::CheckedTransformer(orders).description(""))
          ->type_name("BY");
  sessions_->add_option("--limit", limit_, "show so many at most")->type_name("N");
  sessions_->add_flag("--watch", watch_, "draw the list anew every second; q leaves");
  CLI::App* list = sessions_->add_subcommand("list", "also when nothing else is asked");
  kill_ = sessions_->add_subcommand("kill", "end one at once, as if its time had passed");
  kill_->add_option("id", id_, "as the list has it")->required()->type_name("ID");
  for (CLI::App* each : {list, kill_}) each->fallthrough();
}

int SessionsCommand::run(const std::string& config_file) const {
  const auto socket = daemon_.socket(config_file, load);
  if (!socket) return program::kRefused;
  if (kill_->parsed()) return kill(*socket);
  return watch_ ? watch(*socket) : list(*socket);
}

core::Result<nlohmann::json> SessionsCommand::ask_for_list(const std::string& socket) const {
  nlohmann::json question{{"command", "sessions"}, {"action", "list"}, {"peers", daemon_.json()}};
  if (!user_.empty()) question["user"] = user_;
  if (!client_.empty()) question["client"] = client_;
  return program::ask_daemon(socket, question);
}

int SessionsCommand::list(const std::string& socket) const {
  const auto before = ask_for_list(socket);
  if (!before) return daemon_.refused(before.error().text);
  std::this_thread::sleep_for(kRateWindow);
  auto answer = ask_for_list(socket);
  if (!answer) return daemon_.refused(answer.error().text);
  SessionList sessions = SessionList::read(*answer);
  sessions.find_rates(SessionList::read(*before));
  sessions.sort(order_);
  if (daemon_.json()) {
    program::print_json(with_rates(*std::move(answer), sessions, no_more_than(limit_)));
  } else {
    fmt::print("{}{}\n", sessions.table(program::Terminal::of_output(), no_more_than(limit_)),
               sessions.summary());
  }
  return 0;
}

// A daemon that is away for a moment, since it is being replaced, is waited for; but not the first time,
// when it's more likely that the wrong one was asked.
int SessionsCommand::watch(const std::string& socket) const {
  const SessionOrder order = sort_->count() != 0 ? order_ : SessionOrder::rate;
  const auto first = ask_for_list(socket);
  if (!first) return daemon_.refused(first.error().text);
  SessionList list = SessionList::read(*first);
  int exit_code = 0;
  std::string trouble;
  program::show_live([&](const program::Terminal& terminal, bool again) -> std::string {
    if (again) return live_picture(list, trouble, no_more_than(limit_), terminal);
    trouble.clear();
    if (const auto answer = ask_for_list(socket)) {
      SessionList fresh = SessionList::read(*answer);
      fresh.find_rates(list);
      fresh.sort(order);
      list = std::move(fresh);
    } else if (terminal.interactive) {
      trouble = answer.error().text;
    } else {
      exit_code = daemon_.refused(answer.error().text);
      return {};
    }
    return live_picture(list, trouble, no_more_than(limit_), terminal);
  });
  return exit_code;
}

int SessionsCommand::kill(const std::string& socket) const {
  const auto answer =
      program::ask_daemon(socket, {{"command", "sessions"}, {"action", "kill"}, {"id", id_}});
  if (!answer) return daemon_.refused(answer.error().text);
  if (daemon_.json()) {
    program::print_json(*answer);
  } else {
    fmt::print("{} ended\n", id_);
  }
  return 0;
}

} // namespace turnd
