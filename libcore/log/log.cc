#include "libcore/log/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "libcore/base/text.h"
#include "libcore/log/journal.h"

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

Line::Line(Format format, Time time, Level level, std::string_view event, std::string_view message,
           std::string_view before)
    : format_(format), text_(before) {
  text_.reserve(256);
  if (format_ == Format::json) {
    text_ += R"({"time":")";
    append_time(text_, time);
    fmt::format_to(std::back_inserter(text_), R"(","level":"{}","event":"{}","message":")",
                   name(level), event);
    append_value(message);
    text_ += '"';
    fields_at_ = text_.size();
    return;
  }
  append_time(text_, time);
  fmt::format_to(std::back_inserter(text_), " {} {}: ", name(level), event);
  const bool quoted = message.find_first_of("=\"\\") != std::string_view::npos;
  if (quoted) text_ += '"';
  append_value(message);
  if (quoted) text_ += '"';
  fields_at_ = text_.size();
}

void Line::add_fields(std::string_view written) {
  if (text_.size() + written.size() > kRoom) {
    truncated_ = true;
  } else {
    text_ += written;
  }
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

Logger::Logger(Level level, Format format)
    : Logger(level, format, system_time, STDERR_FILENO,
             is_journal(STDERR_FILENO, std::getenv("JOURNAL_STREAM"))) {}

Logger::Logger(Level level, Format format, Clock clock, int descriptor, bool for_journal)
    : levels_(level),
      format_(format),
      clock_(std::move(clock)),
      for_journal_(for_journal),
      writer_(std::make_unique<LineWriter>(
          descriptor, LineWriter::Ownership::borrowed,
          LineWriter::Events{
              .on_trouble = [this](const LineWriter::Trouble& trouble) { tell_loss(trouble); },
              .on_tick = [this] { return tick(); }})) {}

Logger::~Logger() {
  const std::lock_guard lock(mutex_);
  const auto time = clock_();
  tell(repeats_.take_all(), time);
  for (const auto& recent : recent_) {
    if (recent.suppressed == 0) continue;
    Line line(format(), time, recent.level, recent.event, "more lines were left out",
              prefix(recent.level));
    line.add("suppressed", recent.suppressed);
    writer_->add(line.finish());
  }
}

std::string_view Logger::prefix(Level level) const {
  return for_journal_ ? journal_prefix(level) : std::string_view();
}

// ---- what is changed while it runs

void Logger::set_levels(Level level, const SubjectLevels& subjects) {
  const std::lock_guard lock(mutex_);
  subject_levels_ = subjects;
  levels_.set(level);
  levels_.set_subjects(subject_levels_);
}

void Logger::set_level(Level level) { levels_.set(level); }

void Logger::set_level(std::string_view subject, Level level) {
  const std::lock_guard lock(mutex_);
  subject_levels_[std::string(subject)] = level;
  levels_.set_subjects(subject_levels_);
}

SubjectLevels Logger::subject_levels() const {
  const std::lock_guard lock(mutex_);
  return subject_levels_;
}

void Logger::set_format(Format format) {
  const std::lock_guard lock(mutex_);
  if (format == this->format()) return;
  tell(repeats_.take_all(), clock_()); // their fields stand in the old form
  format_.store(format, std::memory_order_relaxed);
}

// ---- floods and losses

bool Logger::admit(Level level, Event event, std::string_view message, std::string_view fields,
                   Format format, Line::Time time, std::uint64_t& suppressed) {
  if (level == Level::debug || event.no_flood()) return true;
  const std::lock_guard lock(mutex_);
  // In another form than the table's: set_format() was quicker.
  if (format == this->format() && !repeats_.admit(level, event.text(), message, fields, time)) {
    writer_->want_ticks();
    return false;
  }
  return admit_in_second(level, event, time, suppressed);
}

bool Logger::admit_in_second(Level level, Event event, Line::Time time, std::uint64_t& suppressed) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
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

void Logger::tell_repeats() {
  const std::lock_guard lock(mutex_);
  const auto time = clock_();
  tell(repeats_.take_due(time), time);
}

void Logger::tell(const std::vector<Repeats::Said>& repeated, Line::Time time) {
  for (const Repeats::Said& said : repeated) {
    Line line(format(), time, said.level, said.event, said.message, prefix(said.level));
    line.add("repeated", said.repeated);
    line.add_fields(said.fields);
    writer_->add(line.finish());
  }
}

bool Logger::tick() {
  tell_repeats();
  const std::lock_guard lock(mutex_);
  return repeats_.any();
}

void Logger::tell_loss(const LineWriter::Trouble& trouble) {
  if (trouble.lost == 0) return;
  warning("log.lost", "lines could not be written and are lost", field("lines", trouble.lost));
}

} // namespace logging
