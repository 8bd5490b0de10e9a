// Any bytes as a client's first datagram: what is taken for a hello is asked for a cookie in fewer
// bytes than it has itself, and doesn't bring one that it can't know.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "libcore/tls/hello_cookies.h"

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const tls::HelloCookies cookies({1, 2, 3});
  const core::SocketAddress client(core::IpAddress::v4(192, 0, 2, 1), 5000);
  const core::SocketAddress server(core::IpAddress::v4(198, 51, 100, 1), 5349);
  const auto hello = tls::parse_client_hello({data, size});
  if (!hello) return 0;
  must(hello->random.size() == 32 && hello->session_id.size() <= 32);
  must(hello->record_sequence < std::uint64_t{1} << 48);
  must(!cookies.brings_its_cookie(*hello, client, server, {}));

  auto asked = cookies.ask(*hello, client, server, {});
  must(asked.size() <= size);
  must(core::load16(&asked[17]) == hello->message_sequence);
  tls::ClientHello again = *hello;
  again.cookie = core::Bytes(asked).last(tls::HelloCookies::kCookieBytes);
  must(cookies.brings_its_cookie(again, client, server, {}));
  return 0;
}
