// What of root's power a process has (capabilities(7)), as the kernel's set of bits. Each thread has its
// own: whoever calls this has started none yet.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sandbox {

using Capabilities = std::uint64_t;

constexpr Capabilities capability(int number) { return Capabilities{1} << number; }

struct CapabilitySets {
  Capabilities effective = 0;
  Capabilities permitted = 0;
  Capabilities inheritable = 0;
};
CapabilitySets own_capabilities();

// These are what can be used from now on, as far as they are there, and none can come back. Whether
// the kernel did so.
bool keep_only(Capabilities kept);
// No program that is started later can have others. Without effect for who may not say so.
void forget_bounds(Capabilities kept);

std::vector<std::string> names_of(Capabilities set); // "net_bind_service", or "41" for a new one

} // namespace sandbox
