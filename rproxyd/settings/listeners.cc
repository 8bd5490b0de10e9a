#include "rproxyd/settings/listeners.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "libcore/config/parsers.h"
#include "rproxyd/settings/read.h"

namespace rproxyd {
namespace {

using config::ObjectReader;
using config::Value;

std::optional<Settings::Listener> read_listener(const Value& value);
void check_listeners(const Value& list, const Settings& settings);

} // namespace

void read_listeners(ObjectReader& root, Settings& settings) {
  if (root.require("listeners", settings.listeners,
                   config::some_of(read_listener, kMaxListeners, "listener"))) {
    check_listeners(root.place_of("listeners"), settings);
  }
}

namespace {

std::optional<Settings::Tls> read_tls(const Value& value) {
  Settings::Tls tls;
  ObjectReader object(value);
  const bool certificates_wrong =
      !object.read("certificates", tls.certificates,
                   config::list_of(config::certificate_files, kMaxCertificates)) &&
      object.has("certificates");
  object.read("min_version", tls.min_version,
              config::choice<Settings::TlsVersion>(
                  {{"1.2", Settings::TlsVersion::tls1_2}, {"1.3", Settings::TlsVersion::tls1_3}}));
  object.read("suites", tls.compatible_suites,
              config::choice<bool>({{"modern", false}, {"compatible", true}}));
  object.finish();
  if (object.is_object() && tls.certificates.empty() && !certificates_wrong) {
    value.warning("no certificates: a self-signed one is made, and clients will warn or refuse");
  }
  return tls;
}

std::optional<Settings::Listener> read_listener(const Value& value) {
  Settings::Listener listener;
  ObjectReader object(value);
  const bool has_address = object.require("address", listener.address, config::listening_address);
  object.read("tls", listener.tls, config::nullable(read_tls));
  object.read("turn", listener.turn, config::nullable(config::remote_address));
  object.read("proxy_protocol", listener.proxy_protocol, config::boolean);
  object.read("redirect_https", listener.redirect_https, config::boolean);
  object.read("acme_challenges", listener.acme_challenges, config::nullable(config::path));
  object.finish();
  if (!has_address) return std::nullopt;

  if (listener.turn && !listener.tls) {
    object.place_of("turn").error("TURN shares a port with TLS only", "\"tls\" beside it");
  }
  if (listener.redirect_https && listener.tls) {
    object.place_of("redirect_https")
        .error("a listener with TLS would redirect to itself", "this on plain HTTP only");
  }
  if (listener.acme_challenges && listener.tls) {
    object.place_of("acme_challenges")
        .error("certificate authorities ask for challenges over plain HTTP", "this on port 80");
  }
  if (!listener.tls && !listener.redirect_https) {
    value.warning("plain HTTP: what this listener serves can be read and changed on its way",
                  "\"tls\" or \"redirect_https\"");
  }
  return listener;
}

void check_listeners(const Value& list, const Settings& settings) {
  for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
    const auto& listener = settings.listeners[i];
    const auto first =
        std::ranges::find(settings.listeners, listener.address, &Settings::Listener::address) -
        settings.listeners.begin();
    if (static_cast<std::size_t>(first) != i && listener.address.port() != 0) {
      list.element(i).error(
          fmt::format("{} is taken by listener {} already", listener.address.to_string(), first),
          "another address or port");
    }
    if (listener.proxy_protocol && settings.trusted_proxies.empty()) {
      ObjectReader(list.element(i))
          .place_of("proxy_protocol")
          .error("nobody is trusted to send PROXY headers", "their senders in \"trusted_proxies\"");
    }
  }
}

} // namespace
} // namespace rproxyd
