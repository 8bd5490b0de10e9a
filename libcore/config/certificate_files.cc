#include "libcore/config/certificate_files.h"

#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"

namespace config {

namespace {

std::optional<CertificateFiles> one_file(const Value& value) {
  auto one = path(value);
  if (!one) return std::nullopt;
  CertificateFiles files;
  files.certificate = *std::move(one);
  return files;
}

std::optional<CertificateFiles> two_files(const Value& value) {
  CertificateFiles files;
  ObjectReader object(value);
  const bool has_certificate = object.require("certificate", files.certificate, path);
  const bool has_key = object.require("key", files.key, path);
  object.finish();
  if (!has_certificate || !has_key) return std::nullopt;
  return files;
}

} // namespace

std::optional<CertificateFiles> certificate_files(const Value& value) {
  return object_or(one_file, two_files)(value);
}

} // namespace config
