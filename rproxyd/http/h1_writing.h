// HTTP/1.1 heads as bytes. What is written here has been parsed or built here: no value holds CR,
// LF or NUL.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rproxyd/http/message.h"
#include "rproxyd/http/sink.h"

namespace rproxyd {

void append_field(std::string& out, std::string_view name, std::string_view value);
void append_fields(std::string& out, const FieldList& fields);
void append_status_line(std::string& out, std::uint16_t status);
void append_length(std::string& out, std::uint64_t length); // Content-Length

// One chunk; an empty one is not written, it would be the last.
void write_chunk(Sink& sink, core::Bytes bytes);
// The last chunk and the trailer section (RFC 9112 section 7.1); `trailers` may be null.
void append_last_chunk(std::string& out, const FieldList* trailers);

} // namespace rproxyd
