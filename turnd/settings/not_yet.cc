#include "turnd/settings/not_yet.h"

#include <string>

#include "libcore/config/notes.h"
#include "libcore/tls/hello_numbers.h"

namespace turnd {
config::Problems not_yet(const Settings& settings, const config::Document& document) {
  config::Notes notes(document);
  for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
    const auto& listener = settings.listeners[i];
    const auto pointer = config::pointer_to("/listeners", i);
    if (listener.transport == Settings::Transport::dtls && !tls::dtls_is_served()) {
      notes.error(
          pointer + "/transport",
          "this turnd was built without DTLS, since its BoringSSL came without its sources; "
          "build with deploy/dependencies, or with BORINGSSL_ROOT as a source tree");
    }
  }
  return notes.take();
}

} // namespace turnd
