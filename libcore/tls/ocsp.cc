#include "libcore/tls/ocsp.h"

#include <openssl/asn1.h>
#include <openssl/bytestring.h>
#include <openssl/mem.h>

namespace tls {
namespace {

constexpr CBS_ASN1_TAG explicit_tag(unsigned number) {
  return CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | number;
}

std::optional<core::WallTime> time_of(CBS* from) {
  CBS text;
  if (CBS_get_asn1(from, &text, CBS_ASN1_GENERALIZEDTIME) != 1) return std::nullopt;
  const std::string digits(reinterpret_cast<const char*>(CBS_data(&text)), CBS_len(&text));
  const bssl::UniquePtr<ASN1_GENERALIZEDTIME> time(ASN1_GENERALIZEDTIME_new());
  std::int64_t seconds = 0;
  if (!time || ASN1_GENERALIZEDTIME_set_string(time.get(), digits.c_str()) != 1 ||
      ASN1_TIME_to_posix(time.get(), &seconds) != 1) {
    return std::nullopt;
  }
  return core::WallTime(std::chrono::seconds(seconds));
}

// ResponseData of the BasicOCSPResponse inside, up to the list of single responses.
bool find_responses(core::Bytes der, CBS* responses) {
  CBS all;
  CBS_init(&all, der.data(), der.size());
  CBS response;
  CBS status;
  if (CBS_get_asn1(&all, &response, CBS_ASN1_SEQUENCE) != 1 || CBS_len(&all) != 0 ||
      CBS_get_asn1(&response, &status, CBS_ASN1_ENUMERATED) != 1 || CBS_len(&status) != 1 ||
      CBS_data(&status)[0] != 0) {
    return false;
  }
  CBS explicit_bytes;
  CBS bytes;
  CBS type;
  CBS octets;
  CBS basic;
  CBS data;
  if (CBS_get_asn1(&response, &explicit_bytes, explicit_tag(0)) != 1 ||
      CBS_get_asn1(&explicit_bytes, &bytes, CBS_ASN1_SEQUENCE) != 1 ||
      CBS_get_asn1(&bytes, &type, CBS_ASN1_OBJECT) != 1 ||
      CBS_get_asn1(&bytes, &octets, CBS_ASN1_OCTETSTRING) != 1 ||
      CBS_get_asn1(&octets, &basic, CBS_ASN1_SEQUENCE) != 1 ||
      CBS_get_asn1(&basic, &data, CBS_ASN1_SEQUENCE) != 1) {
    return false;
  }
  CBS skipped;
  CBS_ASN1_TAG responder = 0;
  return CBS_get_optional_asn1(&data, nullptr, nullptr, explicit_tag(0)) == 1 && // version
         CBS_get_any_asn1(&data, &skipped, &responder) == 1 &&
         CBS_get_asn1(&data, &skipped, CBS_ASN1_GENERALIZEDTIME) == 1 && // producedAt
         CBS_get_asn1(&data, responses, CBS_ASN1_SEQUENCE) == 1;
}

std::optional<std::vector<std::uint8_t>> serial_of(CBS* single) {
  CBS id;
  CBS skipped;
  CBS serial;
  if (CBS_get_asn1(single, &id, CBS_ASN1_SEQUENCE) != 1 ||
      CBS_get_asn1(&id, &skipped, CBS_ASN1_SEQUENCE) != 1 ||    // hash algorithm
      CBS_get_asn1(&id, &skipped, CBS_ASN1_OCTETSTRING) != 1 || // of the issuer's name
      CBS_get_asn1(&id, &skipped, CBS_ASN1_OCTETSTRING) != 1 || // of its key
      CBS_get_asn1(&id, &serial, CBS_ASN1_INTEGER) != 1) {
    return std::nullopt;
  }
  return std::vector<std::uint8_t>(CBS_data(&serial), CBS_data(&serial) + CBS_len(&serial));
}

OcspResponse::Status status_of(CBS_ASN1_TAG tag) {
  switch (tag & CBS_ASN1_TAG_NUMBER_MASK) {
    case 0:
      return OcspResponse::Status::good;
    case 1:
      return OcspResponse::Status::revoked;
    default:
      return OcspResponse::Status::unknown;
  }
}

} // namespace

std::optional<OcspResponse> read_ocsp_response(core::Bytes der) {
  CBS responses;
  CBS single;
  if (!find_responses(der, &responses) ||
      CBS_get_asn1(&responses, &single, CBS_ASN1_SEQUENCE) != 1) {
    return std::nullopt;
  }
  OcspResponse result;
  auto serial = serial_of(&single);
  CBS skipped;
  CBS_ASN1_TAG status = 0;
  if (!serial || CBS_get_any_asn1(&single, &skipped, &status) != 1) return std::nullopt;
  result.serial = *std::move(serial);
  result.status = status_of(status);
  const auto this_update = time_of(&single);
  if (!this_update) return std::nullopt;
  result.this_update = *this_update;
  CBS next;
  int has_next = 0;
  if (CBS_get_optional_asn1(&single, &next, &has_next, explicit_tag(0)) != 1) return std::nullopt;
  if (has_next != 0) {
    result.next_update = time_of(&next);
    if (!result.next_update) return std::nullopt;
  }
  return result;
}

} // namespace tls
