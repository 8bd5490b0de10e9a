// The id that a request goes by in logs, at its node, and towards the person who asks what went wrong.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "rproxyd/http/forwarding.h"
#include "rproxyd/http/message.h"

namespace rproxyd {

inline constexpr std::size_t kMaxRequestId = 64; // of one that a trusted proxy has chosen

// The id that came with the request, if a trusted proxy sent exactly one, of harmless characters.
// Anybody else could have chosen the id of somebody else's request. Borrowed from the fields.
std::optional<std::string_view> believable_request_id(const FieldList& fields,
                                                      std::string_view header,
                                                      const ClientIdentity& client);

// What goes to the node: this id and no other, under whatever spelling a CGI-like backend would take
// for the header's name.
void set_request_id(FieldList& fields, std::string_view header, std::string_view id);

} // namespace rproxyd
