#include "rproxyd/doctor/diagnosis.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace rproxyd::doctor {
namespace {

constexpr std::uint16_t kHttps = 443;

Finding problem(std::string text, std::string advice) {
  return {.is_problem = true, .text = std::move(text), .advice = std::move(advice)};
}

Finding note(std::string text, std::string advice) {
  return {.is_problem = false, .text = std::move(text), .advice = std::move(advice)};
}

bool connected(const HostFacts& host) {
  return std::ranges::any_of(host.attempts, [](const auto& each) { return each.problem.empty(); });
}

// GET /api/client/v2/status of a conferencing node: 200 with "OK", 503 in maintenance.
bool is_node(const HostFacts& host) {
  return host.status == 200 && host.body.contains("\"result\"") && host.body.contains("OK");
}
bool is_in_maintenance(const HostFacts& host) {
  return host.status == 503 && host.body.contains("aintenance");
}

std::vector<Finding> answer_trouble(const HostFacts& host) {
  if (is_node(host)) return {};
  if (!host.http_problem.empty()) {
    return {problem(fmt::format("{} gives no valid answer: {}", host.name(), host.http_problem),
                    "See that an HTTPS proxy listens there, and nothing else.")};
  }
  if (is_in_maintenance(host)) {
    return {problem(fmt::format("all conferencing nodes behind {} are in maintenance", host.name()),
                    "End the maintenance mode of a node.")};
  }
  if (host.status == 502 || host.status == 503 || host.status == 504) {
    return {problem(
        fmt::format("{} answers {}: it reaches no conferencing node", host.name(), host.status),
        "See \"rproxyd status\" there, and whether the nodes can be reached on port 443.")};
  }
  return {
      problem(fmt::format("{} answers {} to /api/client/v2/status, which no conferencing node does",
                          host.name(), host.status),
              "The record leads to another web server, or the proxy has no route to the nodes "
              "for /api/.")};
}

std::vector<Finding> certificate_trouble(const HostFacts& host) {
  if (!host.untrusted.empty()) {
    return {problem(
        fmt::format("clients don't trust the certificate of {}: {}", host.name(), host.untrusted),
        "Install a certificate of a public authority, with its intermediates behind it, in the "
        "proxy's listener.")};
  }
  if (!host.name_matches) {
    return {
        problem(fmt::format("the certificate of {} is for {}", host.name(),
                            host.certificate_names.empty()
                                ? "no DNS name"
                                : fmt::format("{}", fmt::join(host.certificate_names, ", "))),
                fmt::format("Have {} among the certificate's subject alternative names, or name "
                            "another host in the record.",
                            host.host))};
  }
  return {};
}

// Not in the way, but somebody will notice.
void note_weaknesses(std::vector<Finding>& findings, const HostFacts& host) {
  if (connected(host)) {
    for (const HostFacts::Attempt& each : host.attempts) {
      if (each.problem.empty()) continue;
      findings.push_back(note(
          fmt::format("{} can't be reached at {}: {}", host.name(), each.address, each.problem),
          "Clients try another address after a while: remove this one, or make it reachable."));
    }
  }
  for (const std::string& warning : host.certificate_warnings) {
    if (host.untrusted.empty()) findings.push_back(note(warning, "Renew or complete the file."));
  }
}

const HostFacts* host_of(const Facts& facts, const Service& service) {
  const auto found = std::ranges::find_if(facts.hosts, [&](const HostFacts& host) {
    return host.host == service.target && host.port == service.port;
  });
  return found == facts.hosts.end() ? nullptr : &*found;
}

// A step of a story: what is tried, and what comes of it.
bool tries(ClientStory& story, const HostFacts& host, std::string_view how) {
  const auto trouble = trouble_at(host);
  story.steps.push_back(trouble.empty()
                            ? fmt::format("{} {}: it serves", how, host.name())
                            : fmt::format("{} {}: {}", how, host.name(), trouble.front().text));
  return trouble.empty();
}

ClientStory desktop(const Facts& facts) {
  ClientStory story{.client = "desktop app", .steps = {}, .reaches = false, .outcome = {}};
  story.steps.push_back(facts.services.empty() ? facts.service_problem
                                               : fmt::format("looks up _pexapp._tcp.{}: {} records",
                                                             facts.domain, facts.services.size()));
  auto sorted = facts.services;
  std::ranges::stable_sort(sorted, {}, &Service::priority);
  for (const Service& service : sorted) {
    const HostFacts* host = host_of(facts, service);
    if (host == nullptr || !tries(story, *host, "tries")) continue;
    story.reaches = true;
    story.outcome = "it is served by " + host->name();
    return story;
  }
  story.outcome =
      "it says that it can't contact a server, unless a server address is configured in it";
  return story;
}

ClientStory mobile(const Facts& facts) {
  ClientStory story{.client = "mobile app", .steps = {}, .reaches = false, .outcome = {}};
  bool every_first = !facts.services.empty();
  for (const Service& service : facts.services) {
    const HostFacts* host = host_of(facts, service);
    every_first = host != nullptr &&
                  tries(story, *host, "if that record comes first, tries only") && every_first;
  }
  if (facts.services.empty()) story.steps.push_back(facts.service_problem);
  if (every_first) {
    story.reaches = true;
    story.outcome = "it is served by whichever record comes first";
    return story;
  }
  story.reaches = tries(story, facts.domain_host, "else tries");
  story.outcome = story.reaches ? "it is served, by the domain itself where a record fails"
                                : (facts.services.empty()
                                       ? "it can't be served"
                                       : "it is not served when a record that fails comes first");
  return story;
}

ClientStory browser(const Facts& facts) {
  ClientStory story{.client = "browser", .steps = {}, .reaches = false, .outcome = {}};
  std::vector<std::string> good;
  for (const HostFacts& host : facts.hosts) {
    if (tries(story, host, "with the address")) good.push_back("https://" + host.host + "/");
  }
  const bool domain_is_among = std::ranges::any_of(facts.hosts, [&](const HostFacts& host) {
    return host.host == facts.domain && host.port == kHttps;
  });
  if (!domain_is_among && tries(story, facts.domain_host, "with the address"))
    good.push_back("https://" + facts.domain + "/");
  story.reaches = !good.empty();
  story.outcome = story.reaches ? fmt::format("give people {}", fmt::join(good, " or "))
                                : "no address that is known here serves it";
  return story;
}

void judge_services(std::vector<Finding>& findings, const Facts& facts) {
  if (facts.services.empty()) {
    findings.push_back(problem(facts.service_problem,
                               fmt::format("Add to DNS: _pexapp._tcp.{} SRV 10 100 443 proxy.{}.",
                                           facts.domain, facts.domain)));
  }
  for (const Service& service : facts.services) {
    if (service.target.empty() || service.target == ".") {
      findings.push_back(
          problem("an SRV record says that there is no service (its target is \".\")",
                  "Name a host as its target."));
    } else if (service.port != kHttps) {
      findings.push_back(note(fmt::format("{} is asked on port {}", service.target, service.port),
                              "Guests behind strict firewalls get out on 443 alone."));
    }
  }
}

void judge_turn(std::vector<Finding>& findings, const TurnFacts& turn, std::string_view wanted) {
  const auto add = [&](std::string text, std::string advice) {
    findings.push_back(problem(std::move(text), std::move(advice)));
  };
  if (!turn.lookup_problem.empty())
    return add(fmt::format("the TURN server has no address: {}", turn.lookup_problem),
               "Correct its name, or add an address to DNS.");
  if (!turn.binding_problem.empty())
    return add(fmt::format("{} doesn't answer STUN: {}", turn.server, turn.binding_problem),
               "See that turnd runs, and that the firewall lets UDP to this port pass, both ways.");
  if (!turn.allocate_problem.empty())
    return add(fmt::format("{} answers STUN, but not TURN: {}", turn.server, turn.allocate_problem),
               "In restricted mode this is right for anybody but conferencing nodes; else see "
               "\"clients\" in turnd.json.");
  if (turn.allocate_code == 200)
    return add(fmt::format("{} relays for anybody, without credentials", turn.server),
               "Configure credentials: an open relay is abused within hours.");
  if (turn.allocate_code == 403) {
    findings.push_back(note(fmt::format("{} refuses TURN from here (403)", turn.server),
                            "Right in restricted mode, where only conferencing nodes may."));
    return;
  }
  if (turn.allocate_code != 401)
    return add(fmt::format("{} answers {} where 401 was expected", turn.server, turn.allocate_code),
               "Is that a TURN server?");
  if (!wanted.empty() && turn.realm != wanted)
    return add(
        fmt::format("the realm of {} is \"{}\", not \"{}\"", turn.server, turn.realm, wanted),
        "Set \"realm\" in turnd.json: credentials count for one realm.");
  if (turn.credentials_tried && !turn.credentials_problem.empty())
    return add(fmt::format("{} gives no relay to these credentials: {}", turn.server,
                           turn.credentials_problem),
               "Compare name and password with those of turnd, and the clocks for time-limited "
               "ones.");
}

} // namespace

std::vector<Finding> trouble_at(const HostFacts& host) {
  if (!host.lookup_problem.empty()) {
    return {problem(fmt::format("{} has no address: {}", host.host, host.lookup_problem),
                    "Add an A or AAAA record for it, or correct the record that names it.")};
  }
  if (!connected(host)) {
    const auto& first = host.attempts.empty() ? HostFacts::Attempt{} : host.attempts.front();
    return {problem(
        fmt::format("{} can't be reached at {}: {}", host.name(), first.address, first.problem),
        "See that the proxy runs, and that the firewall lets TCP to this port pass.")};
  }
  if (!host.tls_problem.empty()) {
    return {problem(fmt::format("{} makes no TLS connection: {}", host.name(), host.tls_problem),
                    "See that HTTPS is served on this port, with TLS 1.2 or 1.3.")};
  }
  if (auto trouble = certificate_trouble(host); !trouble.empty()) return trouble;
  return answer_trouble(host);
}

bool Diagnosis::healthy() const {
  return std::ranges::none_of(findings, &Finding::is_problem) &&
         std::ranges::all_of(clients, &ClientStory::reaches);
}

Diagnosis diagnose(const Facts& facts) {
  Diagnosis diagnosis;
  judge_services(diagnosis.findings, facts);
  for (const HostFacts& host : facts.hosts) {
    for (Finding& finding : trouble_at(host)) diagnosis.findings.push_back(std::move(finding));
    note_weaknesses(diagnosis.findings, host);
  }
  for (const TurnFacts& turn : facts.turn) judge_turn(diagnosis.findings, turn, facts.wanted_realm);
  diagnosis.clients = {desktop(facts), mobile(facts), browser(facts)};
  return diagnosis;
}

} // namespace rproxyd::doctor
