// Where a certificate and its key are: one PEM file with both, or one for each.
#pragma once

#include <optional>
#include <string>

#include "libcore/config/value.h"

namespace config {

struct CertificateFiles {
  std::string certificate;
  std::string key; // empty: in the same file

  friend bool operator==(const CertificateFiles&, const CertificateFiles&) = default;
};

// A path, or { "certificate": path, "key": path }.
std::optional<CertificateFiles> certificate_files(const Value& value);

} // namespace config
