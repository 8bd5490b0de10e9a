// Which fields cross the proxy, and what the backend is told about the client
// (RFC 9110 sections 7.6 and 6.5.1, RFC 9113 sections 8.2.2 and 8.2.3).
#pragma once

#include <string>
#include <string_view>

#include "libcore/base/address.h"
#include "libcore/base/network.h"
#include "rproxyd/http/message.h"

namespace rproxyd {

// Who a request comes from. `peer` is the other end of the connection, or what a trusted PROXY
// protocol header said it is. `address` is whom access lists, affinity and logs mean.
struct ClientIdentity {
  core::SocketAddress peer;
  bool trusted = false; // the peer is one of trusted_proxies: its forwarding fields are believed
  bool secure = true;   // the connection is TLS
  core::IpAddress address;
};

// `address` is the peer itself, unless it is trusted: then the right-most address in
// X-Forwarded-For that is not a trusted proxy's (the left-most if all are). What stands further
// left, or behind an entry that is not an address, anybody could have written.
ClientIdentity identify_client(const FieldList& fields, const core::SocketAddress& peer,
                               bool secure, const core::NetworkList& trusted_proxies);

// Brings a request into the form that send_request() wants: hop-by-hop fields and those that
// Connection names are gone, cookie crumbs are one field, and X-Forwarded-For, -Proto, -Host and
// X-Real-IP tell the truth. From an untrusted client every forwarding field is removed first; from
// a trusted proxy they are kept and its address is appended. `forwarded`: Forwarded (RFC 7239) says
// the same; else only where a trusted proxy has sent one.
void prepare_for_backend(RequestHead& head, const ClientIdentity& client, bool forwarded = false);

// Adds what a recipient may expect of every answer: Date (RFC 9110 section 6.6.1), if the backend
// sent none. `date` is in the form of http_date().
void prepare_for_client(ResponseHead& head, std::string_view date);

// Removes the fields that Connection names and those that are meant for one connection only. What
// remains of TE is `trailers`, if it had that.
void remove_hop_by_hop(FieldList& fields);

// Whether a field may stand in a trailer section: not what frames, routes, authenticates or
// modifies the message, nor what says where it came from.
bool may_be_trailer(std::string_view lower_case_name);

} // namespace rproxyd
