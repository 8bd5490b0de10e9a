#include "libcore/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <system_error>
#include <utility>

#include "libcore/base/text.h"

namespace logging {
namespace {

constexpr std::string_view kTextEnd = " truncated=true\n";
constexpr std::string_view kJsonEnd = ",\"truncated\":true}\n";
constexpr std::size_t kRoom = Line::kLimit - std::max(kTextEnd.size(), kJsonEnd.size());

Line::Time system_time() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

// Can stand bare in a line of text: it is neither taken for two fields nor for something quoted.
bool is_plain(std::string_view value) {
  return !value.empty() && std::ranges::all_of(value, [](char c) {
    return c > ' ' && c <= '~' && c != '"' && c != '\\' && c != '=';
  });
}

void append_time(std::string& out, Line::Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                 static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                 static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(),
                 clock.seconds().count(), clock.subseconds().count());
}

} // namespace

Line::Line(Format format, Time time, Level level, std::string_view event, std::string_view message)
    : format_(format) {
  text_.reserve(256);
  if (format_ == Format::json) {
    text_ += R"({"time":")";
    append_time(text_, time);
    fmt::format_to(std::back_inserter(text_), R"(","level":"{}","event":"{}","message":")",
                   name(level), event);
    append_value(message);
    text_ += '"';
    return;
  }
  append_time(text_, time);
  fmt::format_to(std::back_inserter(text_), " {} {}: ", name(level), event);
  const bool quoted = message.find_first_of("=\"\\") != std::string_view::npos;
  if (quoted) text_ += '"';
  append_value(message);
  if (quoted) text_ += '"';
}

void Line::add(std::string_view key, std::string_view value) {
  const bool quoted = format_ == Format::json || !is_plain(value);
  if (!start_field(key, std::min(value.size(), kValueLimit) + 2)) return;
  if (quoted) text_ += '"';
  append_value(value);
  if (quoted) text_ += '"';
}

void Line::add(std::string_view key, std::chrono::nanoseconds value) {
  add_floating(key, std::chrono::duration<double>(value).count());
}

void Line::add_signed(std::string_view key, std::int64_t value) {
  add_raw(key, fmt::format_int(value).c_str());
}

void Line::add_unsigned(std::string_view key, std::uint64_t value) {
  add_raw(key, fmt::format_int(value).c_str());
}

void Line::add_floating(std::string_view key, double value) {
  add_raw(key, std::isfinite(value) ? fmt::format("{}", value) : "null");
}

void Line::add_raw(std::string_view key, std::string_view text) {
  if (start_field(key, text.size())) text_ += text;
}

bool Line::start_field(std::string_view key, std::size_t value_size) {
  if (text_.size() + key.size() + value_size + 4 > kRoom) {
    truncated_ = true;
    return false;
  }
  if (format_ == Format::json) {
    text_ += ",\"";
    text_ += key;
    text_ += "\":";
  } else {
    text_ += ' ';
    text_ += key;
    text_ += '=';
  }
  return true;
}

// Escaped, and cut between two characters when it is too long.
void Line::append_value(std::string_view value) {
  const std::size_t end = std::min(text_.size() + kValueLimit, kRoom - 1); // 1: a quote
  if (is_plain(value) && text_.size() + value.size() <= end) {
    text_ += value;
    return;
  }
  std::string piece;
  while (!value.empty()) {
    const auto code = core::decode_utf8(value);
    const std::size_t size = code ? code->size : 1;
    piece.clear();
    core::append_escaped(piece, value.substr(0, size));
    if (text_.size() + piece.size() > end) {
      truncated_ = true;
      return;
    }
    text_ += piece;
    value.remove_prefix(size);
  }
}

std::string_view Line::finish() {
  if (truncated_) {
    text_ += format_ == Format::json ? kJsonEnd : kTextEnd;
  } else {
    text_ += format_ == Format::json ? "}\n" : "\n";
  }
  return text_;
}

Logger::Logger(Level level, Format format) : Logger(level, format, system_time, STDERR_FILENO) {}

Logger::Logger(Level level, Format format, Clock clock, int descriptor)
    : level_(level), format_(format), clock_(std::move(clock)), descriptor_(descriptor) {}

Logger::~Logger() {
  const auto time = clock_();
  for (const auto& recent : recent_) {
    if (recent.suppressed == 0) continue;
    Line line(format_, time, recent.level, recent.event, "repeats were left out");
    line.add("suppressed", recent.suppressed);
    write(line.finish());
  }
  if (own_descriptor_) ::close(descriptor_);
}

core::Result<void> Logger::open(const std::string& path) {
  const int opened =
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
  if (opened < 0) {
    return core::failure(
        fmt::format("cannot open the log {}: {}", path, std::generic_category().message(errno)));
  }
  const std::lock_guard lock(mutex_);
  if (own_descriptor_) ::close(descriptor_);
  descriptor_ = opened;
  own_descriptor_ = true;
  mid_line_ = false;
  return {};
}

bool Logger::admit(Level level, Event event, Line::Time time, std::uint64_t& suppressed) {
  if (level == Level::debug) return true; // who asks for all gets all
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  const std::lock_guard lock(mutex_);
  for (std::size_t probe = 0; probe < kProbes; ++probe) {
    auto& recent = recent_[(event.hash() + probe) % kEvents];
    if (recent.event.empty()) {
      recent.event = event.text();
      recent.level = level;
    } else if (recent.event != event.text()) {
      continue;
    }
    if (recent.second != second) {
      recent.second = second;
      recent.written = 0;
    }
    if (recent.written == kLinesPerEventPerSecond) {
      ++recent.suppressed;
      return false;
    }
    ++recent.written;
    suppressed = std::exchange(recent.suppressed, 0);
    return true;
  }
  return true;
}

void Logger::write(std::string_view line) {
  const std::lock_guard lock(mutex_);
  std::string ended;
  if (mid_line_) {
    ended = "\n";
    ended += line;
    line = ended;
  }
  ssize_t written = 0;
  do {
    written = ::write(descriptor_, line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(line.size())) {
    mid_line_ = false;
    return;
  }
  if (written > 0) mid_line_ = true;
  dropped_.fetch_add(1, std::memory_order_relaxed);
}

} // namespace logging
