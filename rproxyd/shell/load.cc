#include "rproxyd/shell/load.h"

#include "libcore/config/load.h"
#include "libcore/config/notes.h"
#include "libcore/program/named_files.h"
#include "libcore/tls/client_context.h"
#include "rproxyd/proxy/conferencing_paths.h"
#include "rproxyd/settings/read.h"
#include "rproxyd/shell/answers.h"
#include "rproxyd/shell/folder_files.h"

namespace rproxyd {
namespace {

// Routes to pools that the strict list leaves nothing of.
void note_routes_outside_of_conferencing(config::Notes& notes, const Settings& settings) {
  if (settings.paths != Settings::Paths::conferencing) return;
  for (std::size_t i = 0; i < settings.routes.size(); ++i) {
    const Settings::Route& route = settings.routes[i];
    const auto* pool = std::get_if<Settings::ToPool>(&route.target);
    if (!pool) continue;
    const std::string asked = pool->rewrite.value_or(route.path);
    const bool holds_some = asked == "/" && !(route.exact && !pool->rewrite);
    if (holds_some || is_conferencing_path(asked, settings.branding_paths)) continue;
    notes.warning(config::pointer_to("/routes", i) + "/path",
                  "is never served: it is none of the conferencing paths");
  }
}

void note_redis(config::Notes& notes, const Settings& settings) {
  const auto& redis = settings.pin_guard.redis;
  if (!redis || !redis->tls) return;
  const auto context =
      tls::ClientContext::make({.verify = redis->verify, .ca_file = redis->ca_file});
  if (context) return;
  const bool given = !redis->ca_file.empty();
  notes.error(given ? "/pin_guard/redis/ca_file" : "/pin_guard/state", context.error().text);
}

config::Problems review(const Settings& settings, const config::Document& document) {
  config::Notes notes(document);
  for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
    if (const auto& challenges = settings.listeners[i].acme_challenges) {
      if (const auto usable = check_folder(*challenges); !usable) {
        notes.warning(config::pointer_to("/listeners", i) + "/acme_challenges",
                      usable.error().text + ": no challenge is answered until it can be opened");
      }
    }
    const auto& tls = settings.listeners[i].tls;
    if (!tls) continue;
    program::note_certificates(notes, config::pointer_to("/listeners", i) + "/tls/certificates",
                               tls->certificates);
  }
  for (const auto& [name, pool] : settings.pools) {
    if (!pool.tls.verify) continue;
    const auto context =
        tls::ClientContext::make({.verify = true, .ca_file = pool.tls.ca_file.value_or("")});
    if (context) continue;
    const auto place = config::pointer_to("/pools", name) + "/tls";
    notes.error(pool.tls.ca_file ? place + "/ca_file" : place + "/verify", context.error().text);
  }
  program::note_admin(notes, settings.admin);
  note_routes_outside_of_conferencing(notes, settings);
  for (std::size_t i = 0; i < settings.routes.size(); ++i) {
    const auto* folder = std::get_if<Settings::StaticFolder>(&settings.routes[i].target);
    if (!folder) continue;
    if (const auto usable = check_folder(folder->folder); !usable) {
      notes.warning(config::pointer_to("/routes", i) + "/static",
                    usable.error().text + ": every request is answered 404 until it can be opened");
    }
  }
  for (const auto& [status, path] : settings.error_pages) {
    if (const auto page = load_error_page(path); !page) {
      const auto key = config::pointer_to("/error_pages", std::to_string(status));
      notes.error(notes.is_written(key) ? key : "/error_pages/50x", page.error().text);
    }
  }
  note_redis(notes, settings);
  return notes.take();
}

} // namespace

std::expected<config::Loaded<Settings>, config::Problems> load_usable(
    const std::string& path, const config::Surroundings& surroundings) {
  return config::load<Settings>(path, surroundings, read, review);
}

} // namespace rproxyd
