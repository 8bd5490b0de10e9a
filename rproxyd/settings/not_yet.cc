#include "rproxyd/settings/not_yet.h"

#include <string>

#include "libcore/config/notes.h"

namespace rproxyd {
namespace {

void review_pool(config::Notes& notes, const std::string& pointer, const Settings::Pool& pool);

} // namespace

config::Problems not_yet(const Settings& settings, const config::Document& document) {
  config::Notes notes(document);
  for (const auto& [name, pool] : settings.pools) {
    review_pool(notes, config::pointer_to("/pools", name), pool);
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

} // namespace
} // namespace rproxyd
