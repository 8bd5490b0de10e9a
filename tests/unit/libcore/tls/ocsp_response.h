// An OCSP response for tests: what RFC 6960 section 4.2.1 wants, with a signature of nobody.
#pragma once

#include <openssl/bytestring.h>
#include <openssl/mem.h>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

struct OcspFields {
  std::vector<std::uint8_t> serial;
  unsigned status = 0; // good, revoked, unknown
  std::string this_update;
  std::string next_update; // empty: none
};

inline void add_text(CBB* to, CBS_ASN1_TAG tag, const std::string& text) {
  CBB child;
  REQUIRE(CBB_add_asn1(to, &child, tag) == 1);
  REQUIRE(CBB_add_bytes(&child, reinterpret_cast<const std::uint8_t*>(text.data()), text.size()) ==
          1);
  REQUIRE(CBB_flush(to) == 1);
}

inline std::vector<std::uint8_t> ocsp_response(const OcspFields& fields) {
  constexpr CBS_ASN1_TAG kExplicit0 = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0;
  constexpr CBS_ASN1_TAG kExplicit1 = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 1;
  CBB out;
  CBB response;
  CBB explicit_bytes;
  CBB bytes;
  CBB octets;
  CBB basic;
  CBB data;
  CBB responder;
  CBB responses;
  CBB single;
  CBB id;
  CBB child;
  REQUIRE(CBB_init(&out, 256) == 1);
  CBB_add_asn1(&out, &response, CBS_ASN1_SEQUENCE);
  add_text(&response, CBS_ASN1_ENUMERATED, std::string(1, '\0'));
  CBB_add_asn1(&response, &explicit_bytes, kExplicit0);
  CBB_add_asn1(&explicit_bytes, &bytes, CBS_ASN1_SEQUENCE);
  add_text(&bytes, CBS_ASN1_OBJECT, "\x2b\x06\x01\x05\x05\x07\x30\x01\x01"); // id-pkix-ocsp-basic
  CBB_add_asn1(&bytes, &octets, CBS_ASN1_OCTETSTRING);
  CBB_add_asn1(&octets, &basic, CBS_ASN1_SEQUENCE);
  CBB_add_asn1(&basic, &data, CBS_ASN1_SEQUENCE);
  CBB_add_asn1(&data, &responder, kExplicit1);
  CBB_add_asn1(&responder, &child, CBS_ASN1_SEQUENCE);
  add_text(&data, CBS_ASN1_GENERALIZEDTIME, fields.this_update);
  CBB_add_asn1(&data, &responses, CBS_ASN1_SEQUENCE);
  CBB_add_asn1(&responses, &single, CBS_ASN1_SEQUENCE);
  CBB_add_asn1(&single, &id, CBS_ASN1_SEQUENCE);
  CBB_add_asn1(&id, &child, CBS_ASN1_SEQUENCE);
  add_text(&id, CBS_ASN1_OCTETSTRING, "name");
  add_text(&id, CBS_ASN1_OCTETSTRING, "key");
  add_text(&id, CBS_ASN1_INTEGER, std::string(fields.serial.begin(), fields.serial.end()));
  add_text(&single, CBS_ASN1_CONTEXT_SPECIFIC | fields.status, "");
  add_text(&single, CBS_ASN1_GENERALIZEDTIME, fields.this_update);
  if (!fields.next_update.empty()) {
    CBB_add_asn1(&single, &child, kExplicit0);
    add_text(&child, CBS_ASN1_GENERALIZEDTIME, fields.next_update);
  }
  std::uint8_t* der = nullptr;
  std::size_t size = 0;
  REQUIRE(CBB_finish(&out, &der, &size) == 1);
  const bssl::UniquePtr<std::uint8_t> owned(der);
  return {der, der + size};
}
