#include "libcore/admin/endpoints.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <charconv>

#include "libcore/admin/page.h"

namespace admin {
namespace {

constexpr std::string_view kForm = "application/x-www-form-urlencoded";
constexpr std::string_view kJson = "application/json";

bool is_of_type(const HttpRequest& request, std::string_view type) {
  const auto given = request.field("content-type");
  return given.substr(0, given.find(';')) == type;
}

HttpAnswer page(const Page& page, unsigned status = 200) {
  return {.status = status,
          .type = "text/html; charset=utf-8",
          .body = page.html,
          .content_security_policy = page.content_security_policy,
          .referrer_policy = "same-origin"};
}

HttpAnswer to_page(std::string cookie) {
  HttpAnswer answer{.status = 303, .fields = {{"Location", "/"}}};
  answer.fields.emplace_back("Set-Cookie", std::move(cookie));
  return answer;
}

HttpAnswer not_allowed(std::string_view method) {
  HttpAnswer answer = plain(405, "this is asked for in another way");
  answer.fields.emplace_back("Allow", method);
  return answer;
}

unsigned hexadecimal(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  const char letter = static_cast<char>(c | 0x20);
  return letter >= 'a' && letter <= 'f' ? static_cast<unsigned>(letter - 'a') + 10 : 16;
}

// The member of a form, decoded; the form has one, so that is all there is to read.
core::Secret form_value(std::string_view body, std::string_view name) {
  const std::string before = std::string(name) + "=";
  if (!body.starts_with(before)) return {};
  body = body.substr(before.size(), body.find('&') - before.size());
  std::string value;
  value.reserve(body.size()); // so that no copy is left behind
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] == '%' && i + 2 < body.size() && hexadecimal(body[i + 1]) < 16 &&
        hexadecimal(body[i + 2]) < 16) {
      value += static_cast<char>(16 * hexadecimal(body[i + 1]) + hexadecimal(body[i + 2]));
      i += 2;
    } else {
      value += body[i] == '+' ? ' ' : body[i];
    }
  }
  return core::Secret(std::move(value));
}

// "points=12"
std::size_t points_of(std::string_view query) {
  constexpr std::string_view kName = "points=";
  std::size_t points = History::kPoints;
  if (query.starts_with(kName))
    std::from_chars(query.data() + kName.size(), query.data() + query.size(), points);
  return points;
}

bool only_reads(const nlohmann::json& question) {
  const std::string action = text_of(question, "action");
  return text_of(question, "command") != "log" && (action.empty() || action == "list");
}

} // namespace

HttpAnswer Endpoints::answer(const HttpRequest& request, const Visitor& visitor,
                             const core::Now& now) {
  if (request.path == "/sign-in") return sign_in(request, visitor, now);
  const Entry entry = access_.enter(request, visitor, now.steady);
  if (entry != Entry::granted) return refuse(entry, request, visitor, now);
  if (request.method == "GET" || request.method == "HEAD") return read(request);
  if (request.method == "POST") return change(request);
  return not_allowed("GET, HEAD, POST");
}

HttpAnswer Endpoints::read(const HttpRequest& request) {
  if (request.path == "/") return page(status_page());
  if (request.path == "/healthz") return plain(200, "ok");
  if (request.path == "/readyz")
    return content_.ready() ? plain(200, "ready") : plain(503, "no new work is taken");
  if (request.path == "/metrics") {
    return {.type = "text/plain; version=0.0.4; charset=utf-8",
            .body = prometheus::TextSerializer().Serialize(content_.metrics())};
  }
  if (request.path == "/status") return status(request);
  if (request.path == "/command" || request.path == "/sign-out") return not_allowed("POST");
  return plain(404, "there are /, /healthz, /readyz, /metrics and /status");
}

HttpAnswer Endpoints::status(const HttpRequest& request) {
  auto status = content_.status();
  status["history"] = history_.show(points_of(request.query));
  status["page"] = {{"commands", access_.may_command()},
                    {"signed_in", access_.has_session(request)}};
  return {.type = std::string(kJson), .body = to_line(status) + "\n"};
}

HttpAnswer Endpoints::change(const HttpRequest& request) {
  if (!access_.is_of_this_origin(request))
    return plain(403, "this was sent by a page of another origin");
  if (request.path == "/command") return carry_out(request);
  if (request.path == "/sign-out") return to_page(access_.sign_out(request));
  return not_allowed("GET, HEAD");
}

HttpAnswer Endpoints::carry_out(const HttpRequest& request) {
  if (!is_of_type(request, kJson)) // also what no form of another page can send
    return plain(415, "a command is application/json");
  const auto question = nlohmann::json::parse(request.body, nullptr, false);
  const std::string command = text_of(question, "command");
  if (std::ranges::find(kCommands, command) == kCommands.end())
    return plain(404, "this command can't be given here; the admin socket takes all");
  if (!access_.may_command() && !only_reads(question))
    return plain(403, "admin.read_only: nothing is changed from here");
  return {.type = std::string(kJson), .body = to_line(commands_.answer(question)) + "\n"};
}

HttpAnswer Endpoints::sign_in(const HttpRequest& request, const Visitor& visitor,
                              const core::Now& now) {
  if (request.method != "POST") return not_allowed("POST");
  if (!access_.is_of_this_origin(request))
    return plain(403, "this was sent by a page of another origin");
  if (!is_of_type(request, kForm)) return plain(415, "a form was expected");
  const core::Secret token = form_value(request.body, "token");
  auto cookie = access_.sign_in(token.reveal(), visitor, now.steady);
  if (cookie) return to_page(*std::move(cookie));
  if (cookie.error() == Entry::wrong_token) {
    refused_(visitor, now);
    return page(sign_in_page(SignIn::wrong), 403);
  }
  return page(sign_in_page(SignIn::too_many), 429);
}

HttpAnswer Endpoints::refuse(Entry entry, const HttpRequest& request, const Visitor& visitor,
                             const core::Now& now) {
  if (entry == Entry::wrong_token) refused_(visitor, now);
  if (entry == Entry::foreign_host)
    return plain(421, "this daemon doesn't go by that name; admin.names has those that it does");
  if (entry == Entry::too_many) {
    HttpAnswer answer = plain(429, "too many wrong tokens came from this address");
    answer.fields.emplace_back("Retry-After", "60");
    return answer;
  }
  if (request.path == "/" && request.method == "GET" && access_.takes_tokens())
    return page(sign_in_page(SignIn::first), 401);
  HttpAnswer answer = plain(
      401, access_.takes_tokens() ? "a token is needed: Authorization: Bearer …"
                                  : "a client certificate of admin.tls.client_ca_file is needed");
  if (access_.takes_tokens()) answer.fields.emplace_back("WWW-Authenticate", "Bearer");
  return answer;
}

} // namespace admin
