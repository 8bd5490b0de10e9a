// What the doctor has found out by asking, before anybody judges it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rproxyd::doctor {

// One host and port of HTTPS, asked as far as it goes: name, connection, TLS, a request.
struct HostFacts {
  struct Attempt {
    std::string address;
    std::string problem; // empty: connected
  };

  std::string host;
  std::uint16_t port = 443;
  std::string lookup_problem;    // not empty: there is no address, and nothing below was tried
  std::vector<Attempt> attempts; // an address each
  std::string tls_problem;
  std::vector<std::string> certificate_names;
  bool name_matches = false;
  std::string untrusted; // why a client would not trust the certificate; empty: it would
  std::vector<std::string> certificate_warnings;
  std::string http_problem;
  int status = 0;   // of GET /api/client/v2/status
  std::string body; // its beginning

  std::string name() const { return host + ":" + std::to_string(port); }
};

struct Service { // an SRV record
  std::string target;
  std::uint16_t port = 0;
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
};

struct TurnFacts {
  std::string server; // "turn.example.com:3478"
  std::string lookup_problem;
  std::string address;
  std::string binding_problem; // empty: it answered
  std::string mapped;          // how it sees us
  std::string allocate_problem;
  int allocate_code = 0; // without credentials: 401 is right; 200: it asked for none
  std::string realm;
  bool credentials_tried = false;
  std::string credentials_problem; // empty: an allocation was made and given back
  std::string relayed;
};

struct Facts {
  std::string domain;
  std::string service_problem;   // why there are no services
  std::vector<Service> services; // of _pexapp._tcp, in the order of the answer
  std::vector<HostFacts> hosts;  // those of services, each once
  HostFacts domain_host;         // the domain itself, port 443
  std::vector<TurnFacts> turn;
  std::string wanted_realm; // empty: any
};

} // namespace rproxyd::doctor
