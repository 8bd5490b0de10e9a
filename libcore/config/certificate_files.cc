#include "libcore/config/certificate_files.h"

#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"

namespace config {

std::optional<CertificateFiles> certificate_files(const Value& value) {
  CertificateFiles files;
  if (value.node().kind != Node::Kind::object) {
    auto one = path(value);
    if (!one) return std::nullopt;
    files.certificate = *std::move(one);
    return files;
  }
  ObjectReader object(value);
  const bool has_certificate = object.require("certificate", files.certificate, path);
  const bool has_key = object.require("key", files.key, path);
  object.finish();
  if (!has_certificate || !has_key) return std::nullopt;
  return files;
}

} // namespace config
