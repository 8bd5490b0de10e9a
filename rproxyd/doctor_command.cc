#include "rproxyd/doctor_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "libcore/admin/commands.h"
#include "libcore/base/text.h"
#include "libcore/config/surroundings.h"
#include "libcore/program/command_line.h"
#include "rproxyd/doctor/diagnosis.h"
#include "rproxyd/probe/host.h"
#include "rproxyd/probe/turn.h"

namespace rproxyd {
namespace {

using doctor::Diagnosis;
using doctor::Facts;
using nlohmann::json;

constexpr std::chrono::milliseconds kDnsPatience{5000};
constexpr std::size_t kMaxHosts = 32; // of a domain, that are asked
constexpr std::uint16_t kTurnPort = 3478;
constexpr std::size_t kMaxPasswordFile = 4096;

int usage(std::string_view why) {
  fmt::print(stderr, "rproxyd: {}\n", why);
  return program::kUsage;
}

std::string without_dot(std::string name) {
  if (name.size() > 1 && name.ends_with('.')) name.pop_back();
  return name;
}

// "host", "host:port"; an IPv6 address with a port is in brackets.
std::optional<std::pair<std::string, std::uint16_t>> host_and_port(const std::string& text) {
  if (const auto address = core::SocketAddress::parse(text))
    return std::pair(address->ip().to_string(), address->port());
  const auto colon = text.rfind(':');
  if (core::IpAddress::parse(text) || colon == std::string::npos) return std::pair(text, kTurnPort);
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + colon + 1, end, port);
  if (read.ec != std::errc() || read.ptr != end || port == 0 || colon == 0) return std::nullopt;
  return std::pair(text.substr(0, colon), port);
}

void ask_hosts(Facts& facts, dns::Resolver& resolver, const std::string& ca_file) {
  const auto services = resolver.services("_pexapp._tcp." + facts.domain);
  if (!services) facts.service_problem = services.error().text;
  for (const dns::ServiceHost& each : services.value_or(std::vector<dns::ServiceHost>{})) {
    facts.services.push_back({without_dot(each.target), each.port, each.priority, each.weight});
    const doctor::Service& service = facts.services.back();
    const bool is_known = std::ranges::any_of(facts.hosts, [&](const doctor::HostFacts& host) {
      return host.host == service.target && host.port == service.port;
    });
    if (is_known || service.target == "." || facts.hosts.size() == kMaxHosts) continue;
    facts.hosts.push_back(probe::ask_host(resolver, service.target, service.port, ca_file));
  }
  facts.domain_host = probe::ask_host(resolver, facts.domain, 443, ca_file);
}

void ask_turn_servers(Facts& facts, dns::Resolver& resolver,
                      const std::optional<std::pair<std::string, std::uint16_t>>& given,
                      const std::optional<probe::TurnCredentials>& credentials) {
  if (given) {
    facts.turn.push_back(probe::ask_turn(resolver, given->first, given->second, credentials));
    return;
  }
  const auto services = resolver.services("_turn._udp." + facts.domain); // RFC 5928
  for (const dns::ServiceHost& each : services.value_or(std::vector<dns::ServiceHost>{})) {
    if (facts.turn.size() == kMaxHosts) break;
    facts.turn.push_back(
        probe::ask_turn(resolver, without_dot(each.target), each.port, credentials));
  }
}

json to_json(const Facts& facts, const Diagnosis& diagnosis) {
  json findings = json::array();
  for (const doctor::Finding& each : diagnosis.findings)
    findings.push_back(
        {{"problem", each.is_problem}, {"text", each.text}, {"advice", each.advice}});
  json clients = json::array();
  for (const doctor::ClientStory& each : diagnosis.clients)
    clients.push_back({{"client", each.client},
                       {"reaches", each.reaches},
                       {"steps", each.steps},
                       {"outcome", each.outcome}});
  json turn = json::array();
  for (const doctor::TurnFacts& each : facts.turn)
    turn.push_back({{"server", each.server},
                    {"address", each.address},
                    {"mapped", each.mapped},
                    {"realm", each.realm},
                    {"relayed", each.relayed}});
  return {{"domain", facts.domain},
          {"healthy", diagnosis.healthy()},
          {"findings", std::move(findings)},
          {"clients", std::move(clients)},
          {"turn", std::move(turn)}};
}

// Of others' making: names, reasons, answers.
std::string shown(std::string_view text) {
  std::string out;
  core::append_escaped(out, text);
  return out;
}

void print(const Facts& facts, const Diagnosis& diagnosis) {
  for (const doctor::ClientStory& story : diagnosis.clients) {
    fmt::print("{} {}: {}\n", story.reaches ? "ok  " : "FAIL", story.client, shown(story.outcome));
    for (const std::string& step : story.steps) fmt::print("       - {}\n", shown(step));
  }
  for (const doctor::TurnFacts& turn : facts.turn) {
    if (turn.mapped.empty()) continue;
    fmt::print("TURN   {} sees us as {}, realm \"{}\"{}\n", shown(turn.server), turn.mapped,
               shown(turn.realm), turn.relayed.empty() ? "" : ", relays at " + turn.relayed);
  }
  if (facts.turn.empty())
    fmt::print("TURN   not asked: no --turn, and no SRV record _turn._udp.{}\n",
               shown(facts.domain));
  for (const doctor::Finding& finding : diagnosis.findings) {
    fmt::print("\n{}: {}\n  {}\n", finding.is_problem ? "problem" : "note", shown(finding.text),
               shown(finding.advice));
  }
}

} // namespace

DoctorCommand::DoctorCommand(CLI::App& app)
    : doctor_(app.add_subcommand(
          "doctor", "follow the clients' way to a domain and say what each kind would meet")) {
  doctor_->add_option("--domain", domain_, "the domain of the meeting addresses")
      ->required()
      ->type_name("DOMAIN");
  doctor_->add_option("--dns", dns_, "ask this name server instead of the system's")
      ->type_name("ADDR[:PORT]");
  doctor_->add_option("--ca", ca_file_, "trust these authorities instead of the system's")
      ->type_name("FILE");
  doctor_->add_option("--turn", turn_, "the TURN server; else by SRV, _turn._udp")
      ->type_name("HOST[:PORT]");
  doctor_->add_option("--realm", realm_, "the realm that the TURN server should have")
      ->type_name("REALM");
  CLI::Option* user =
      doctor_->add_option("--turn-user", turn_user_, "try an allocation as this user")
          ->type_name("NAME");
  CLI::Option* password =
      doctor_->add_option("--turn-password-file", turn_password_file_, "its password")
          ->type_name("FILE");
  user->needs(password);
  password->needs(user);
  doctor_->add_flag("--json", json_, "for scripts");
}

int DoctorCommand::run() const {
  Facts facts;
  facts.domain = without_dot(domain_);
  facts.wanted_realm = realm_;
  std::optional<std::pair<std::string, std::uint16_t>> turn;
  if (!turn_.empty()) {
    turn = host_and_port(turn_);
    if (!turn) return usage("--turn: expected a host, or a host and a port: turn.example.com:3478");
  }
  std::optional<probe::TurnCredentials> credentials;
  if (!turn_user_.empty()) {
    auto file = config::SystemSurroundings().read_file(turn_password_file_, kMaxPasswordFile);
    if (!file) return usage(turn_password_file_ + ": " + file.error().text);
    std::string password = file->text.substr(0, file->text.find('\n'));
    credentials = {.user = turn_user_, .password = core::Secret(std::move(password))};
  }
  auto resolver = dns::Resolver::make(dns_, kDnsPatience);
  if (!resolver) return usage(resolver.error().text);

  ask_hosts(facts, *resolver, ca_file_);
  ask_turn_servers(facts, *resolver, turn, credentials);
  const Diagnosis diagnosis = doctor::diagnose(facts);
  if (json_) {
    fmt::print("{}\n", admin::to_line(to_json(facts, diagnosis)));
  } else {
    print(facts, diagnosis);
  }
  return diagnosis.healthy() ? 0 : program::kRefused;
}

} // namespace rproxyd
