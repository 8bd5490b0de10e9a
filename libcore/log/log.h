// The daemon's own log: one event a line, as text or JSON.
//
//   log.info("listener.open", "listening", field("address", address), field("transport", "udp"));
//
// gives
//
//   2026-03-01T12:00:00.123Z info listener.open: listening address=198.51.100.130:3478
//   transport=udp
//   {"time":"2026-03-01T12:00:00.123Z","level":"info","event":"listener.open","message":"listening",…}
//
// Event names and keys are literals. Values come from anywhere, clients included: control
// characters and broken UTF-8 are escaped, so that a value can neither end its line nor pose as
// another field. A core::Secret can't be passed. Nothing is formatted while the level is off, and
// nobody waits until a line is written (line_writer.h).
//
// Floods: a line that says the same again is counted, and the count told (repeats.h); of the rest
// so many lines of an event are written in a second. Debug lines are all written, and so are those
// of subjects that can't flood (kNoFlood).
//
// main() makes the one Logger and passes it down; all threads may use it at once.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>

#include "libcore/base/error.h"
#include "libcore/base/secret.h"
#include "libcore/log/level.h"
#include "libcore/log/level_table.h"
#include "libcore/log/line_writer.h"
#include "libcore/log/repeats.h"

namespace logging {

// Subjects of what an administrator causes, what happens once in a daemon's life, and what is
// counted before it gets here (client, limit).
inline constexpr std::array<std::string_view, 11> kNoFlood = {
    "admin", "client", "config",  "drain",   "limit",    "listener",
    "log",   "reload", "started", "stopped", "take_over"};

// "listener.open": lower case, digits, '_' and '.', checked by the compiler. Its subject is what
// stands before the first '.'.
class Event {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a literal is an event
  consteval Event(const char* text)
      : text_(text),
        hash_(name_hash(text_)),
        subject_hash_(name_hash(text_.substr(0, text_.find('.')))) {
    if (text_.empty()) throw "an event needs a name";
    for (const char c : text_) {
      if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.')) {
        throw "an event's name is made of a-z, 0-9, '_' and '.'";
      }
    }
    for (const std::string_view subject : kNoFlood) {
      no_flood_ = no_flood_ || subject == text_.substr(0, text_.find('.'));
    }
  }
  constexpr std::string_view text() const { return text_; }
  constexpr std::uint64_t hash() const { return hash_; }
  constexpr std::uint64_t subject_hash() const { return subject_hash_; }
  constexpr bool no_flood() const { return no_flood_; }

 private:
  std::string_view text_;
  std::uint64_t hash_;
  std::uint64_t subject_hash_;
  bool no_flood_ = false;
};

// As an event's name, but for '.'; the names that every line has are taken.
class Key {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a literal is a key
  consteval Key(const char* text) : text_(text) {
    if (text_.empty()) throw "a field needs a key";
    if (text_ == "time" || text_ == "level" || text_ == "event" || text_ == "message" ||
        text_ == "repeated" || text_ == "suppressed" || text_ == "truncated") {
      throw "this key is taken";
    }
    for (const char c : text_) {
      if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) {
        throw "a key is made of a-z, 0-9 and '_'";
      }
    }
  }
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

// A value by reference: it lives until the end of the statement that logs it.
template <typename T>
struct Field {
  std::string_view key;
  const T& value;
  bool tells_apart = true;
};

template <typename T>
Field<T> field(Key key, const T& value) {
  return {key.text(), value};
}
void field(Key, const core::Secret&) = delete; // secrets are never logged

// A field that may differ in lines that say the same otherwise. Written behind the others.
template <typename T>
Field<T> detail(Key key, const T& value) {
  return {key.text(), value, false};
}
void detail(Key, const core::Secret&) = delete;

// One line in the making. What doesn't fit is left out, and the line says so.
class Line {
 public:
  static constexpr std::size_t kLimit = 4096;      // PIPE_BUF: lines of several processes never mix
  static constexpr std::size_t kValueLimit = 1024; // bytes of one value, as written

  using Time = std::chrono::sys_time<std::chrono::milliseconds>;
  // `before`: what the line begins with, in either form.
  Line(Format format, Time time, Level level, std::string_view event, std::string_view message,
       std::string_view before = {});

  void add(std::string_view key, std::string_view value);
  void add(std::string_view key, const char* value) { add(key, std::string_view(value)); }
  void add(std::string_view key, const std::string& value) { add(key, std::string_view(value)); }
  void add(std::string_view key, const core::Error& value) { add(key, value.text); }
  void add(std::string_view key, std::chrono::nanoseconds value); // in seconds
  void add(std::string_view key, const core::Secret&) = delete;
  template <std::same_as<bool> T>
  void add(std::string_view key, T value) {
    add_raw(key, value ? "true" : "false");
  }
  template <std::signed_integral T>
  void add(std::string_view key, T value) {
    add_signed(key, value);
  }
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  void add(std::string_view key, T value) {
    add_unsigned(key, value);
  }
  template <std::floating_point T>
  void add(std::string_view key, T value) {
    add_floating(key, value);
  }
  template <typename T>
    requires requires(const T& v) {
      { v.to_string() } -> std::convertible_to<std::string>;
    }
  void add(std::string_view key, const T& value) {
    add(key, std::string_view(value.to_string()));
  }

  // The fields as they stand in the line so far; and such ones, of a line of the same form.
  std::string_view fields() const { return std::string_view(text_).substr(fields_at_); }
  void add_fields(std::string_view written);

  std::string_view finish(); // with its newline; borrowed from the line; call it once

 private:
  void add_signed(std::string_view key, std::int64_t value);
  void add_unsigned(std::string_view key, std::uint64_t value);
  void add_floating(std::string_view key, double value);
  void add_raw(std::string_view key, std::string_view text); // needs no escaping
  bool start_field(std::string_view key, std::size_t value_size);
  void append_value(std::string_view value);

  Format format_;
  bool truncated_ = false;
  std::size_t fields_at_ = 0;
  std::string text_;
};

class Logger {
 public:
  // Of one event this many different lines are written in a second; the rest is counted, and the
  // event's next line says how many were left out.
  static constexpr unsigned kLinesPerEventPerSecond = 50;
  static constexpr std::size_t kEvents = 256; // a table of so many; an event without a place in it
  static constexpr std::size_t kProbes = 8;   // is not limited

  using Clock = std::function<Line::Time()>;

  // Writes to standard error; with priorities, if that is the journal. main() ignores SIGPIPE.
  explicit Logger(Level level = Level::info, Format format = Format::text);
  // For tests: another clock, and a descriptor that stays the caller's.
  Logger(Level level, Format format, Clock clock, int descriptor, bool for_journal = false);
  ~Logger(); // tells what was left out and not told yet
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  // Both together are what the log says from now on; subjects that aren't named follow `level`.
  void set_levels(Level level, const SubjectLevels& subjects);
  void set_level(Level level); // that of subjects without their own
  void set_level(std::string_view subject, Level level);
  void set_format(Format format);
  Level level() const { return levels_.level(); }
  SubjectLevels subject_levels() const;
  Format format() const { return format_.load(std::memory_order_relaxed); }

  bool enabled(Level level, Event event) const {
    return levels_.enabled(level, event.subject_hash());
  }
  std::uint64_t lost() const { return writer_->lost(); } // lines that could not be written
  void flush() { writer_->flush(); } // waits until what was logged is written, or can't be now
  // What was repeated and is due to be told; done by itself once a second.
  void tell_repeats();

  template <typename... T>
  void debug(Event event, std::string_view message, const Field<T>&... fields) {
    log(Level::debug, event, message, fields...);
  }
  template <typename... T>
  void info(Event event, std::string_view message, const Field<T>&... fields) {
    log(Level::info, event, message, fields...);
  }
  template <typename... T>
  void warning(Event event, std::string_view message, const Field<T>&... fields) {
    log(Level::warning, event, message, fields...);
  }
  template <typename... T>
  void error(Event event, std::string_view message, const Field<T>&... fields) {
    log(Level::error, event, message, fields...);
  }

 private:
  template <typename... T>
  void log(Level level, Event event, std::string_view message, const Field<T>&... fields) {
    if (!enabled(level, event)) return;
    const auto time = clock_();
    const Format format = this->format();
    Line line(format, time, level, event.text(), message, prefix(level));
    (add_if(line, fields, fields.tells_apart), ...);
    std::uint64_t suppressed = 0;
    if (!admit(level, event, message, line.fields(), format, time, suppressed)) return;
    (add_if(line, fields, !fields.tells_apart), ...);
    if (suppressed != 0) line.add("suppressed", suppressed);
    writer_->add(line.finish());
  }
  template <typename T>
  static void add_if(Line& line, const Field<T>& field, bool wanted) {
    if (wanted) line.add(field.key, field.value);
  }

  struct Recent {
    std::string_view event; // empty: free
    Level level = Level::info;
    std::chrono::sys_seconds second{};
    unsigned written = 0;
    std::uint64_t suppressed = 0;
  };

  std::string_view prefix(Level level) const;
  // Whether the line may be written; `suppressed`: how many before it were not.
  bool admit(Level level, Event event, std::string_view message, std::string_view fields,
             Format format, Line::Time time, std::uint64_t& suppressed);
  bool admit_in_second(Level level, Event event, Line::Time time, std::uint64_t& suppressed);
  void tell(const std::vector<Repeats::Said>& repeated, Line::Time time);
  void tell_loss(const LineWriter::Trouble& trouble);
  bool tick();

  LevelTable levels_;
  std::atomic<Format> format_;
  const Clock clock_;
  const bool for_journal_;
  mutable std::mutex mutex_; // over what follows, but for the writer
  SubjectLevels subject_levels_;
  std::array<Recent, kEvents> recent_{};
  Repeats repeats_;
  std::unique_ptr<LineWriter> writer_; // last: its thread tells of repeats and losses
};

} // namespace logging
