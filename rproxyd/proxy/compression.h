// Which answers are compressed on their way, and the compressing.
//
// Compressed sizes tell what is inside: where a page holds both a secret and something that an
// attacker chose, its size tells the secret letter by letter (BREACH). So answers are compressed
// only to requests without credentials of any kind, and such that set none.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcore/base/bytes.h"
#include "rproxyd/http/message.h"

namespace rproxyd {

// Compressors at work at once, of all workers: each takes up to half a MiB. Answers beyond are sent
// as they are.
inline constexpr unsigned kMaxCompressors = 256;

struct CompressionRules {
  bool enabled = false;
  std::uint64_t least_bytes = 1024;         // of an answer of known length
  std::vector<std::string> types;           // lower case; none: is_compressible()
  std::atomic<unsigned>* at_work = nullptr; // compressors, shared by all who follow these rules
};

enum class Coding : std::uint8_t { br, gzip };

// Whether the answer would be compressed for a client that takes it. `answer` is the node's, before
// anything of ours is added.
bool may_compress(const CompressionRules& rules, const RequestHead& request,
                  const ResponseHead& answer);

// What the client takes; br before gzip.
std::optional<Coding> coding_for(const RequestHead& request);

void add_vary(ResponseHead& answer);                       // with Accept-Encoding
void mark_compressed(ResponseHead& answer, Coding coding); // RFC 9110 section 8.8.1: a weak ETag

// One answer's. Everything that was put in comes out within the same call, so that what a node
// sends bit by bit arrives bit by bit.
class Compressor {
 public:
  using Out = std::function<void(core::Bytes)>; // borrowed during the call

  // nullptr: kMaxCompressors are at work, or there is no memory.
  static std::unique_ptr<Compressor> make(Coding coding, std::atomic<unsigned>& at_work);
  virtual ~Compressor() { --at_work_; }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  virtual bool add(core::Bytes bytes, const Out& out) = 0; // false: it failed, nothing more comes
  virtual bool finish(const Out& out) = 0;

 protected:
  static constexpr std::size_t kPiece = std::size_t{16} * 1024; // of output
  // `at_work` counts this one already.
  explicit Compressor(std::atomic<unsigned>& at_work) : at_work_(at_work) {}

 private:
  std::atomic<unsigned>& at_work_;
};

} // namespace rproxyd
