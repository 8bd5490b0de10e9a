#include "rproxyd/settings/not_yet.h"

#include "libcore/config/notes.h"

namespace rproxyd {

config::Problems not_yet(const Settings& settings, const config::Document& document) {
  config::Notes notes(document);
  if (settings.pin_guard.state && settings.pin_guard.state->starts_with("redis://")) {
    notes.error("/pin_guard/state",
                "this version keeps bans in a file, which no other machine shares");
  }
  return notes.take();
}

} // namespace rproxyd
