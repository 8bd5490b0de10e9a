#include "turnd/settings/read_offload.h"

#include <algorithm>

#include "libcore/config/object_reader.h"
#include "libcore/config/parsers.h"

namespace turnd {

void read_offload(const config::Value& value, Settings::Offload& offload) {
  using Mode = Settings::Offload::Mode;
  config::ObjectReader object(value);
  object.read(
      "mode", offload.mode,
      config::choice<Mode>({{"off", Mode::off}, {"auto", Mode::automatic}, {"xdp", Mode::xdp}}));
  if (object.read("interfaces", offload.interfaces,
                  config::list_of(config::text(kMaxInterfaceName), kMaxOffloadInterfaces))) {
    const auto list = object.place_of("interfaces");
    for (std::size_t i = 0; i < offload.interfaces.size(); ++i) {
      const auto first = std::ranges::find(offload.interfaces, offload.interfaces[i]);
      if (first - offload.interfaces.begin() != static_cast<std::ptrdiff_t>(i)) {
        list.element(i).refuse("is listed already", "each interface once");
      }
    }
  }
  object.finish();
}

} // namespace turnd
