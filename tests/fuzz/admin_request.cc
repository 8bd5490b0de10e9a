// What comes to the admin address, up to the decision whether it is let in. The first byte says into
// what pieces the rest is cut. Must hold:
//   - the pieces make no difference;
//   - a request that is let through has a path, and no more fields and body than there is room for;
//   - without the token nobody is let in.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "libcore/admin/access.h"
#include "libcore/admin/http_request.h"

namespace {

constexpr auto kToken = "a token that no input has";

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "must hold: %s\n", what);
  std::abort();
}

void feed(admin::RequestReader& reader, core::Bytes bytes, std::size_t piece) {
  while (!bytes.empty()) {
    const std::size_t size = std::min(piece, bytes.size());
    reader.feed(bytes.first(size));
    bytes = bytes.subspan(size);
  }
}

void check(const admin::HttpRequest& request) {
  using admin::RequestReader;
  must(request.path.starts_with('/'), "a path begins with a slash");
  must(request.path.find('?') == std::string::npos, "a path ends before the question mark");
  must(request.fields.size() <= RequestReader::kMaxFields, "there are not too many fields");
  must(request.body.size() <= RequestReader::kMaxBodyBytes, "the body is not too long");

  config::Admin rules{.address = {}, .socket = {}};
  rules.token = core::Secret(kToken);
  admin::Access access(rules);
  const auto address = core::SocketAddress::parse("127.0.0.1:4000");
  must(address.has_value(), "an address is one");
  const admin::Visitor visitor{.address = address.value_or(core::SocketAddress()),
                               .certified = false};
  must(access.enter(request, visitor, {}) != admin::Entry::granted,
       "nobody comes in without the token");
  access.is_of_this_origin(request);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const core::Bytes input(data + 1, size - 1);
  admin::RequestReader whole;
  feed(whole, input, input.size());
  admin::RequestReader cut;
  feed(cut, input, std::size_t{1} + data[0]);

  const auto state = whole.feed({});
  must(state == cut.feed({}), "the pieces make no difference");
  if (state != admin::RequestReader::State::complete) return 0;
  must(whole.request().fields == cut.request().fields && whole.request().body == cut.request().body,
       "the pieces make no difference to what is read");
  check(whole.request());
  return 0;
}
