// What a configuration names and a daemon must be able to use: looked at when the file is read, so
// that `check` and the start say the same, with the line that names it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcore/config/admin.h"
#include "libcore/config/certificate_files.h"
#include "libcore/config/notes.h"

namespace program {

// `pointer`: of the list. An error for a file that can't serve, with the reason; a warning
// for one that can and that clients may refuse, such as an expired certificate.
void note_certificates(config::Notes& notes, std::string_view pointer,
                       const std::vector<config::CertificateFiles>& files);

// The same for the certificates and the authorities of "admin".
void note_admin(config::Notes& notes, const config::Admin& admin);

// What is wrong with the mode of the file that holds the private key: a sentence.
std::optional<std::string> exposed_key(const config::CertificateFiles& files);

// Files whose change is a reason to reload, where that is configured: what the reader read, and these
// certificates with their keys and OCSP responses. Absolute, or as the daemon would open them.
std::vector<std::string> files_to_watch(const std::vector<std::string>& read,
                                        const std::vector<config::CertificateFiles>& certificates);

} // namespace program
