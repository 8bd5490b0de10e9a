#include "rproxyd/shell/listener_tls.h"

#include <string>
#include <utility>

#include "libcore/event/loop.h"

namespace rproxyd {
namespace {

core::Result<Certificates> load(const std::vector<config::CertificateFiles>& files) {
  Certificates certificates;
  for (const config::CertificateFiles& each : files) {
    auto certificate = tls::load_certificate(each.certificate, each.key);
    if (!certificate) return std::unexpected(certificate.error());
    certificates.push_back(std::move(*certificate));
  }
  return certificates;
}

} // namespace

core::Result<std::shared_ptr<const Certificates>> make_own_certificate(
    const Settings::Listener& listener, logging::Logger& log) {
  const core::IpAddress ip = listener.address.ip();
  std::vector<std::string> names{"localhost"};
  if (!ip.is_unspecified()) names.push_back(ip.to_string());
  auto own = tls::make_self_signed(names, event::read_now().wall);
  if (!own) return std::unexpected(own.error());
  log.warning("certificate.self_signed",
              "no certificate is configured: a self-signed one was made, which browsers refuse",
              logging::field("listener", listener.address),
              logging::field("sha256", own->sha256_fingerprint()));
  Certificates certificates;
  certificates.push_back(std::move(*own));
  return std::make_shared<const Certificates>(std::move(certificates));
}

core::Result<std::shared_ptr<const tls::ServerContext>> tls_of(
    const Settings::Listener& listener, const Certificates* own,
    const std::shared_ptr<tls::TicketKeys>& tickets) {
  const Settings::Tls settings = listener.tls.value_or(Settings::Tls{});
  tls::ServerPolicy policy{.alpn = {"h2", "http/1.1"}};
  if (listener.turn) policy.alpn.emplace_back("stun.turn"); // RFC 7443
  if (settings.min_version == Settings::TlsVersion::tls1_3) policy.min_version = TLS1_3_VERSION;
  if (settings.compatible_suites) policy.suites = tls::Suites::compatible;
  policy.tickets = tickets;
  if (own != nullptr) return tls::ServerContext::make(*own, policy);
  const auto certificates = load(settings.certificates);
  if (!certificates) return std::unexpected(certificates.error());
  return tls::ServerContext::make(*certificates, policy);
}

} // namespace rproxyd
