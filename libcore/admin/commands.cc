#include "libcore/admin/commands.h"

#include "libcore/admin/wire.h"

namespace admin {

nlohmann::json Commands::answer(const nlohmann::json& question) const {
  const Entry* entry = find(question);
  const auto* handler = entry ? std::get_if<Handler>(entry) : nullptr;
  if (!handler) return refusal("this is no command");
  const std::lock_guard lock(one_at_a_time_);
  try {
    return (*handler)(question);
  } catch (const nlohmann::json::exception&) { // a member of another type than was expected
    return refusal("the command can't be understood");
  }
}

void Commands::answer_line(std::string_view line, int socket) const {
  const auto question = nlohmann::json::parse(line, nullptr, false);
  const Entry* entry = find(question);
  if (const auto* handler = entry ? std::get_if<SocketHandler>(entry) : nullptr) {
    (*handler)(question, socket);
    return;
  }
  write_line(socket, to_line(answer(question)));
}

const Commands::Entry* Commands::find(const nlohmann::json& question) const {
  const auto found = handlers_.find(text_of(question, "command"));
  return found == handlers_.end() ? nullptr : &found->second;
}

nlohmann::json refusal(std::string why) { return {{"ok", false}, {"error", std::move(why)}}; }

std::string text_of(const nlohmann::json& object, std::string_view key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found == object.end() || !found->is_string() ? std::string() : found->get<std::string>();
}

std::string to_line(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace admin
