// The answer that a file gives to a request: whole, in ranges, or not at all (RFC 9110 sections 13
// and 14).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rproxyd/http/message.h"
#include "rproxyd/proxy/folder.h"

namespace rproxyd {

// A body is text and bytes of the file in turn.
struct BodyPiece {
  std::string text = {}; // first this
  std::uint64_t offset = 0;
  std::uint64_t length = 0; // then so much of the file
};

struct FileAnswer {
  ResponseHead head;
  std::vector<BodyPiece> pieces; // none of a HEAD
};

// A strong entity tag: another one after every change.
std::string entity_tag(const FileFacts& facts, std::string_view coding);

// To a GET or HEAD.
FileAnswer answer_with(const FoundFile& found, const RequestHead& request, const FolderRules& rules,
                       core::WallTime now);

} // namespace rproxyd
