// BoringSSL's error queue in words.
#pragma once

#include <string>

namespace tls {

// The first error of this thread's queue, which is emptied; "unknown error" when there is none.
std::string take_failure();

} // namespace tls
