#include "rproxyd/settings/not_yet.h"

#include <string>
#include <variant>

#include "libcore/config/notes.h"

namespace rproxyd {
namespace {

void review_pool(config::Notes& notes, const std::string& pointer, const Settings::Pool& pool);
void review_route(config::Notes& notes, const std::string& pointer, const Settings::Route& route);

} // namespace

config::Problems not_yet(const Settings& settings, const config::Document& document) {
  config::Notes notes(document);
  for (const auto& [name, pool] : settings.pools) {
    review_pool(notes, config::pointer_to("/pools", name), pool);
  }
  for (std::size_t i = 0; i < settings.routes.size(); ++i) {
    review_route(notes, config::pointer_to("/routes", i), settings.routes[i]);
  }
  if (settings.pin_guard.state && settings.pin_guard.state->starts_with("redis://")) {
    notes.error("/pin_guard/state",
                "this version keeps bans in a file, which no other machine shares");
  }
  if (notes.is_written("/admin")) notes.warning("/admin", "this version has no admin endpoints");
  return notes.take();
}

namespace {

void review_pool(config::Notes& notes, const std::string& pointer, const Settings::Pool& pool) {
  if (pool.protocol == Settings::BackendProtocol::h2) {
    notes.error(pointer + "/protocol", "this version speaks HTTP/1.1 to servers");
  }
}

void review_route(config::Notes& notes, const std::string& pointer, const Settings::Route& route) {
  if (std::holds_alternative<Settings::StaticFolder>(route.target)) {
    notes.warning(pointer + "/static", "this version serves no folders: it answers 404 here");
  }
}

} // namespace
} // namespace rproxyd
