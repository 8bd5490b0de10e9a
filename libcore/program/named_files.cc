#include "libcore/program/named_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "libcore/config/surroundings.h"
#include "libcore/event/loop.h"
#include "libcore/tls/certificate.h"
#include "libcore/tls/client_context.h"

namespace program {

// Groups are the administrator's: both daemons read their certificates through one.
std::optional<std::string> exposed_key(const config::CertificateFiles& files) {
  const std::string& path = files.key.empty() ? files.certificate : files.key;
  struct stat status{};
  if (path.starts_with(config::kMountedSecrets)) return std::nullopt;
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  const bool readable = (status.st_mode & S_IROTH) != 0;
  if (!readable && (status.st_mode & S_IWOTH) == 0) return std::nullopt;
  return fmt::format(
      "the private key in {} can be {} by everybody on this machine (mode {:04o}); expected a file "
      "that only its owner and group may read (chmod o-rw)",
      path, readable ? "read" : "replaced", status.st_mode & 07777U);
}

void note_certificates(config::Notes& notes, std::string_view pointer,
                       const std::vector<config::CertificateFiles>& files) {
  const core::WallTime now = event::read_now().wall;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string place = config::pointer_to(pointer, i);
    const auto certificate = tls::load_certificate(files[i].certificate, files[i].key);
    if (!certificate) {
      notes.error(place, certificate.error().text);
      continue;
    }
    for (std::string& warning : tls::warnings(*certificate, now)) {
      notes.warning(place, std::move(warning));
    }
    if (auto warning = exposed_key(files[i])) notes.warning(place, *std::move(warning));
  }
}

void note_admin(config::Notes& notes, const config::Admin& admin) {
  if (!admin.tls) return;
  note_certificates(notes, "/admin/tls/certificates", admin.tls->certificates);
  if (!admin.tls->client_ca_file) return;
  const auto authorities =
      tls::ClientContext::make({.verify = true, .ca_file = *admin.tls->client_ca_file});
  if (!authorities) notes.error("/admin/tls/client_ca_file", authorities.error().text);
}

std::vector<std::string> files_to_watch(const std::vector<std::string>& read,
                                        const std::vector<config::CertificateFiles>& certificates) {
  std::vector<std::string> files = read;
  for (const config::CertificateFiles& each : certificates) {
    files.push_back(each.certificate);
    files.push_back(each.certificate + ".ocsp");
    if (!each.key.empty()) files.push_back(each.key);
  }
  return files;
}

} // namespace program
