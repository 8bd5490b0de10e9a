// What a running daemon can be asked to do, by name. The question is one line of JSON, an object whose
// "command" names the handler; the answer is one line, too:
//
//   {"command": "bans", "action": "list"}      {"ok": true, "bans": []}
//                                              {"ok": false, "error": "a sentence"}
//
// Filled before the admin socket and the HTTP server start, and not changed after that. Handlers are
// called on admin's threads, never on a worker's, and one at a time.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>

namespace admin {

class Commands {
 public:
  using Handler = std::function<nlohmann::json(const nlohmann::json& question)>;
  // Talks to whoever asked by itself, for as long as it takes; descriptors, too, can be sent over the
  // socket, which is borrowed. Not called for questions that come by HTTP, nor one at a time.
  using SocketHandler = std::function<void(const nlohmann::json& question, int socket)>;

  Commands() = default;
  ~Commands() = default;
  Commands(const Commands&) = delete;
  Commands& operator=(const Commands&) = delete;

  void add(std::string name, Handler handler) { handlers_[std::move(name)] = std::move(handler); }
  void add_for_socket(std::string name, SocketHandler handler) {
    handlers_[std::move(name)] = std::move(handler);
  }

  nlohmann::json answer(const nlohmann::json& question) const;
  // A line that came over the Unix socket; what there is to say is written to it.
  void answer_line(std::string_view line, int socket) const;

 private:
  using Entry = std::variant<Handler, SocketHandler>;
  const Entry* find(const nlohmann::json& question) const;

  std::map<std::string, Entry, std::less<>> handlers_;
  mutable std::mutex one_at_a_time_;
};

nlohmann::json refusal(std::string why); // {"ok": false, "error": why}

// A member that is a string; else empty.
std::string text_of(const nlohmann::json& object, std::string_view key);

// One line without its end. What isn't UTF-8 is replaced.
std::string to_line(const nlohmann::json& value);

} // namespace admin
