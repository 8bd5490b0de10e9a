// The daemon's own log: one event a line, as text or JSON, written with one write(2).
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
// another field. A core::Secret can't be passed. Nothing is formatted while the level is off.
// main() makes the one Logger and passes it down; all threads may use it at once.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>

#include "libcore/base/error.h"
#include "libcore/base/secret.h"
#include "libcore/log/level.h"

namespace logging {

// "listener.open": lower case, digits, '_' and '.', checked by the compiler.
class Event {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a literal is an event
  consteval Event(const char* text) : text_(text), hash_(0xcbf29ce484222325U) {
    if (text_.empty()) throw "an event needs a name";
    for (const char c : text_) {
      if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.')) {
        throw "an event's name is made of a-z, 0-9, '_' and '.'";
      }
      hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3U; // FNV-1a
    }
  }
  constexpr std::string_view text() const { return text_; }
  constexpr std::uint64_t hash() const { return hash_; }

 private:
  std::string_view text_;
  std::uint64_t hash_;
};

// As an event's name, but for '.'; the names that every line has are taken.
class Key {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a literal is a key
  consteval Key(const char* text) : text_(text) {
    if (text_.empty()) throw "a field needs a key";
    if (text_ == "time" || text_ == "level" || text_ == "event" || text_ == "message" ||
        text_ == "suppressed" || text_ == "truncated") {
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
};

template <typename T>
Field<T> field(Key key, const T& value) {
  return {key.text(), value};
}
void field(Key, const core::Secret&) = delete; // secrets are never logged

// One line in the making. What doesn't fit is left out, and the line says so.
class Line {
 public:
  static constexpr std::size_t kLimit = 4096;      // PIPE_BUF: lines of several processes never mix
  static constexpr std::size_t kValueLimit = 1024; // bytes of one value, as written

  using Time = std::chrono::sys_time<std::chrono::milliseconds>;
  Line(Format format, Time time, Level level, std::string_view event, std::string_view message);

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
  std::string text_;
};

class Logger {
 public:
  // Of one event, debug lines aside, this many are written in a second; the rest is counted, and
  // the event's next line says how many were left out.
  static constexpr unsigned kLinesPerEventPerSecond = 50;
  static constexpr std::size_t kEvents = 256; // a table of so many; an event without a place in it
  static constexpr std::size_t kProbes = 8;   // is not limited

  using Clock = std::function<Line::Time()>;

  // Writes to standard error until open(). main() ignores SIGPIPE.
  explicit Logger(Level level = Level::info, Format format = Format::text);
  // For tests: another clock, and a descriptor that stays the caller's.
  Logger(Level level, Format format, Clock clock, int descriptor);
  ~Logger(); // tells what was left out and not told yet
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  // Appends to a file from now on; called again after the file was moved away (logrotate). On
  // failure the log goes on where it went before.
  core::Result<void> open(const std::string& path);
  void set_level(Level level) { level_.store(level, std::memory_order_relaxed); }

  bool enabled(Level level) const { return level >= level_.load(std::memory_order_relaxed); }
  std::uint64_t dropped() const {
    return dropped_.load(std::memory_order_relaxed);
  } // lines not written

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
    if (!enabled(level)) return;
    const auto time = clock_();
    std::uint64_t suppressed = 0;
    if (!admit(level, event, time, suppressed)) return;
    Line line(format_, time, level, event.text(), message);
    if (suppressed != 0) line.add("suppressed", suppressed);
    (line.add(fields.key, fields.value), ...);
    write(line.finish());
  }

  struct Recent {
    std::string_view event; // empty: free
    Level level = Level::info;
    std::chrono::sys_seconds second{};
    unsigned written = 0;
    std::uint64_t suppressed = 0;
  };

  // Whether the line may be written; `suppressed`: how many before it were not.
  bool admit(Level level, Event event, Line::Time time, std::uint64_t& suppressed);
  void write(std::string_view line);

  std::atomic<Level> level_;
  const Format format_;
  const Clock clock_;
  std::atomic<std::uint64_t> dropped_ = 0;
  std::mutex mutex_; // over what follows
  int descriptor_;
  bool own_descriptor_ = false;
  bool mid_line_ = false; // the last write was cut short
  std::array<Recent, kEvents> recent_{};
};

} // namespace logging
