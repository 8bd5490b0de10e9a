// What the settings say about the proxy's own part in answers, with the files that they name.
#pragma once

#include <cstddef>

#include "libcore/base/error.h"
#include "rproxyd/proxy/answer_rules.h"
#include "rproxyd/proxy/compression.h"
#include "rproxyd/settings/settings.h"

namespace rproxyd {

inline constexpr std::size_t kMaxErrorPageBytes = std::size_t{256} * 1024;

core::Result<ErrorPage> load_error_page(const std::string& path);
CompressionRules compression_rules(const Settings::Compression& from);
core::Result<AnswerRules> answer_rules(const Settings& settings);

} // namespace rproxyd
