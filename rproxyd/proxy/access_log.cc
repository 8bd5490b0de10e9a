#include "rproxyd/proxy/access_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>

#include "libcore/base/text.h"

namespace rproxyd {
namespace {

constexpr std::array<std::string_view, 5> kSecretNames = {"code", "state", "token", "pin", "data"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// As nginx escapes: quotes, backslashes and what is not printable ASCII become \xHH.
void append_escaped(std::string& out, std::string_view text) {
  if (text.empty()) {
    out += '-';
    return;
  }
  const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
  while (!text.empty()) {
    const auto end = std::ranges::find_if_not(text, is_plain);
    const auto plain = static_cast<std::size_t>(end - text.begin());
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) return;
    fmt::format_to(std::back_inserter(out), "\\x{:02X}", static_cast<unsigned char>(text.front()));
    text.remove_prefix(1);
  }
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}",
                     byte); // bytes as Latin-1: always valid JSON
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string_view version_text(Version version) {
  switch (version) {
    case Version::http_1_0:
      return "HTTP/1.0";
    case Version::http_1_1:
      return "HTTP/1.1";
    case Version::http_2:
      return "HTTP/2.0";
  }
  return "-";
}

void append_local_time(std::string& out, core::WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  const auto number = [&out](auto value, std::size_t digits) {
    core::append_decimal(out, static_cast<std::uint64_t>(value), digits);
  };
  number(static_cast<unsigned>(date.day()), 2);
  out.append("/").append(kMonths[static_cast<unsigned>(date.month()) - 1]).append("/");
  number(static_cast<int>(date.year()), 4);
  out += ':';
  number(clock.hours().count(), 2);
  out += ':';
  number(clock.minutes().count(), 2);
  out += ':';
  number(clock.seconds().count(), 2);
  out += " +0000";
}

double seconds(core::Duration duration) { return std::chrono::duration<double>(duration).count(); }

void append_request_line(std::string& out, const AccessRecord& record) {
  if (record.method.empty()) {
    out += '-';
    return;
  }
  append_escaped(out, record.method);
  out += ' ';
  append_escaped(out, filtered(record.target));
  out += ' ';
  out += version_text(record.version);
}

// "a, b" over all attempts, or "-".
template <typename Append>
void append_attempts(std::string& out, const AccessRecord& record, Append&& append) {
  if (record.attempts == nullptr || record.attempts->empty()) {
    out += '-';
    return;
  }
  bool first = true;
  for (const Attempt& attempt : *record.attempts) {
    if (!first) out += ", ";
    first = false;
    append(attempt);
  }
}

void append_combined(std::string& out, const AccessRecord& record, std::string_view after_time) {
  out += record.client.to_string();
  out += " - - [";
  append_local_time(out, record.time);
  out += ']';
  out += after_time;
  out += '"';
  append_request_line(out, record);
  out += "\" ";
  core::append_decimal(out, record.status);
  out += ' ';
  core::append_decimal(out, record.body_bytes);
  out += " \"";
  append_escaped(out, filtered(record.referer));
  out += "\" \"";
  append_escaped(out, record.user_agent);
  out += '"';
}

void append_pexip(std::string& out, const AccessRecord& record) {
  append_combined(out, record, "  ");
  out += " \"";
  append_attempts(out, record, [&](const Attempt& a) { append_escaped(out, a.address); });
  out += "\" \"";
  append_attempts(out, record, [&](const Attempt& a) {
    if (a.status == 0) {
      out += '-';
    } else {
      core::append_decimal(out, a.status);
    }
  });
  out += "\" \"";
  append_attempts(out, record, [&](const Attempt& a) {
    fmt::format_to(std::back_inserter(out), "{:.3f}", seconds(a.time));
  });
  out += '"';
}

void append_extended(std::string& out, const AccessRecord& record) {
  append_combined(out, record, " ");
  out += ' ';
  append_escaped(out, record.request_id);
  fmt::format_to(std::back_inserter(out), " {:.3f} \"", seconds(record.duration));
  append_attempts(out, record, [&](const Attempt& a) {
    append_escaped(out, a.address);
    fmt::format_to(std::back_inserter(out), " {} {:.3f}", a.status, seconds(a.time));
  });
  out += '"';
}

void append_json(std::string& out, const AccessRecord& record) {
  const auto text = [&](std::string_view key, std::string_view value) {
    fmt::format_to(std::back_inserter(out), ",\"{}\":", key);
    append_json_string(out, value);
  };
  const auto day = std::chrono::floor<std::chrono::days>(record.time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(record.time - day);
  fmt::format_to(std::back_inserter(out), "{{\"time\":\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z\"",
                 static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                 static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(),
                 clock.seconds().count());
  text("client", record.client.to_string());
  text("method", record.method);
  text("target", filtered(record.target));
  text("version", version_text(record.version));
  fmt::format_to(std::back_inserter(out), ",\"status\":{},\"bytes\":{},\"seconds\":{:.3f}",
                 record.status, record.body_bytes, seconds(record.duration));
  text("referer", filtered(record.referer));
  text("user_agent", record.user_agent);
  if (!record.request_id.empty()) text("request_id", record.request_id);
  out += ",\"backends\":[";
  bool first = true;
  for (const Attempt& attempt :
       record.attempts == nullptr ? std::vector<Attempt>{} : *record.attempts) {
    if (!first) out += ',';
    first = false;
    out += "{\"address\":";
    append_json_string(out, attempt.address);
    fmt::format_to(std::back_inserter(out), ",\"status\":{},\"seconds\":{:.3f}}}", attempt.status,
                   seconds(attempt.time));
  }
  out += "]}";
}

} // namespace

std::string filtered(std::string_view text) {
  if (text.find('=') == std::string_view::npos) return std::string(text);
  std::string result;
  result.reserve(text.size());
  std::size_t at = 0;
  while (at < text.size()) {
    // A name begins the text, or follows '?', '&', ';' or '#'.
    const auto equals = text.find('=', at);
    if (equals == std::string_view::npos) break;
    const auto before = text.find_last_of("?&;#=", equals - (equals == 0 ? 0 : 1));
    const auto start =
        equals == 0 || before == std::string_view::npos || before >= equals ? 0 : before + 1;
    const auto name = text.substr(start, equals - start);
    result.append(text.substr(at, equals + 1 - at));
    at = equals + 1;
    if (std::ranges::any_of(kSecretNames,
                            [&](std::string_view s) { return same_ignoring_case(s, name); })) {
      result += "[FILTERED]";
      at = std::min(text.find_first_of("&;#", at), text.size());
    }
  }
  result.append(text.substr(std::min(at, text.size())));
  return result;
}

void append_line(std::string& out, AccessFormat format, const AccessRecord& record) {
  switch (format) {
    case AccessFormat::pexip:
      return append_pexip(out, record);
    case AccessFormat::combined:
      return append_combined(out, record, " ");
    case AccessFormat::extended:
      return append_extended(out, record);
    case AccessFormat::json:
      return append_json(out, record);
  }
}

} // namespace rproxyd
