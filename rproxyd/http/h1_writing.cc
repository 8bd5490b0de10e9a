#include "rproxyd/http/h1_writing.h"

#include <fmt/format.h>

#include <array>
#include <iterator>

#include "libcore/base/text.h"
#include "rproxyd/http/forwarding.h"

namespace rproxyd {

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_fields(std::string& out, const FieldList& fields) {
  for (std::size_t i = 0; i < fields.size(); ++i)
    append_field(out, fields[i].name, fields[i].value);
}

void append_status_line(std::string& out, std::uint16_t status) {
  out += "HTTP/1.1 ";
  core::append_decimal(out, status, 3);
  out.append(" ").append(reason_phrase(status)).append("\r\n");
}

void append_length(std::string& out, std::uint64_t length) {
  out += "content-length: ";
  core::append_decimal(out, length);
  out += "\r\n";
}

void write_chunk(Sink& sink, core::Bytes bytes) {
  if (bytes.empty()) return;
  std::array<char, 20> line{};
  const char* const end = fmt::format_to(line.data(), "{:x}\r\n", bytes.size());
  sink.write(core::bytes_of({line.data(), static_cast<std::size_t>(end - line.data())}));
  sink.write(bytes);
  sink.write(core::bytes_of("\r\n"));
}

void append_last_chunk(std::string& out, const FieldList* trailers) {
  out += "0\r\n";
  for (std::size_t i = 0; trailers != nullptr && i < trailers->size(); ++i) {
    const Field field = (*trailers)[i];
    if (may_be_trailer(field.name)) append_field(out, field.name, field.value);
  }
  out += "\r\n";
}

} // namespace rproxyd
