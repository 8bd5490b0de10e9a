#include "turnd/settings/not_yet.h"

#include <string>

#include "libcore/config/notes.h"

namespace turnd {
config::Problems not_yet(const Settings& settings, const config::Document& document) {
  config::Notes notes(document);
  for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
    const auto& listener = settings.listeners[i];
    const auto pointer = config::pointer_to("/listeners", i);
    if (listener.transport == Settings::Transport::dtls) {
      notes.warning(pointer, "this version has no TURN over DTLS: the listener is not opened");
    }
  }
  if (settings.relay.tcp) {
    notes.error("/relay/tcp", "this version has no TCP relay (RFC 6062)");
  }
  if (notes.is_written("/admin")) {
    notes.warning("/admin", "this version has no admin endpoints");
  }
  return notes.take();
}

} // namespace turnd
