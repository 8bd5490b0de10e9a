#include "rproxyd/proxy/compression.h"

#include <brotli/encode.h>
#define ZLIB_CONST // what is read is const
#include <zlib.h>

#include <algorithm>

#include "rproxyd/http/accept_encoding.h"
#include "rproxyd/http/text.h"
#include "rproxyd/proxy/affinity_cookie.h"
#include "rproxyd/proxy/content_type.h"

namespace rproxyd {
namespace {

bool is_wanted_type(const CompressionRules& rules, std::string_view content_type) {
  if (rules.types.empty()) return is_compressible(content_type);
  std::string type(without_white_space_around(content_type.substr(0, content_type.find(';'))));
  std::ranges::transform(type, type.begin(), to_lower);
  // The first event of an event stream is not to wait for anything.
  return type != "text/event-stream" && std::ranges::find(rules.types, type) != rules.types.end();
}

// Ours keeps a client on its node, and is no secret.
bool has_foreign_cookie(const FieldList& fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name != "cookie") continue;
    const std::string_view value = fields[i].value;
    const bool ours = value.starts_with(kAffinityCookie) &&
                      value.substr(kAffinityCookie.size()).starts_with('=') && !value.contains(';');
    if (!ours) return true;
  }
  return false;
}

bool has_credentials(const RequestHead& request) {
  constexpr std::array<std::string_view, 3> kFields{"authorization", "token", "pin"};
  constexpr std::array<std::string_view, 2> kParameters{"token=", "pin="};
  const auto query = std::string_view(request.target)
                         .substr(std::min(request.target.find('?'), request.target.size()));
  return has_foreign_cookie(request.fields) ||
         std::ranges::any_of(kFields,
                             [&](auto name) { return request.fields.find(name).has_value(); }) ||
         std::ranges::any_of(kParameters, [&](auto name) { return query.contains(name); });
}

bool is_bound_to_its_bytes(const FieldList& fields) {
  constexpr std::array<std::string_view, 6> kFields{"content-encoding", "content-range",
                                                    "content-md5",      "digest",
                                                    "content-digest",   "repr-digest"};
  return std::ranges::any_of(kFields, [&](auto name) { return fields.find(name).has_value(); }) ||
         fields.has_token("cache-control", "no-transform");
}

class Gzip final : public Compressor {
 public:
  explicit Gzip(std::atomic<unsigned>& at_work) : Compressor(at_work) {
    // 128 KiB: a window of 16 KiB, and 16 for the form of gzip.
    constexpr int kWindowBits = 14 + 16;
    constexpr int kMemoryLevel = 7;
    constexpr int kLevel = 5;
    good_ = deflateInit2(&stream_, kLevel, Z_DEFLATED, kWindowBits, kMemoryLevel,
                         Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~Gzip() override { deflateEnd(&stream_); }
  bool good() const { return good_; }

  bool add(core::Bytes bytes, const Out& out) override { return run(bytes, Z_SYNC_FLUSH, out); }
  bool finish(const Out& out) override { return run({}, Z_FINISH, out); }

 private:
  bool run(core::Bytes bytes, int flush, const Out& out) {
    std::array<std::uint8_t, kPiece> piece; // NOLINT: filled before it is read
    stream_.next_in = bytes.data();
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_.next_out = piece.data();
      stream_.avail_out = static_cast<uInt>(piece.size());
      const int result = deflate(&stream_, flush);
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return false;
      if (const std::size_t got = piece.size() - stream_.avail_out; got > 0)
        out(core::Bytes(piece).first(got));
    } while (stream_.avail_out == 0);
    return true;
  }

  z_stream stream_{};
  bool good_ = false;
};

class Brotli final : public Compressor {
 public:
  explicit Brotli(std::atomic<unsigned>& at_work)
      : Compressor(at_work), state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    constexpr std::uint32_t kQuality = 4; // as fast as gzip, and smaller
    constexpr std::uint32_t kWindowBits = 16;
    good_ = state_ != nullptr &&
            BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, kQuality) == BROTLI_TRUE &&
            BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, kWindowBits) == BROTLI_TRUE;
  }
  ~Brotli() override {
    if (state_ != nullptr) BrotliEncoderDestroyInstance(state_);
  }
  bool good() const { return good_; }

  bool add(core::Bytes bytes, const Out& out) override {
    return run(bytes, BROTLI_OPERATION_FLUSH, out);
  }
  bool finish(const Out& out) override { return run({}, BROTLI_OPERATION_FINISH, out); }

 private:
  bool run(core::Bytes bytes, BrotliEncoderOperation operation, const Out& out) {
    std::array<std::uint8_t, kPiece> piece; // NOLINT: filled before it is read
    const std::uint8_t* next = bytes.data();
    std::size_t left = bytes.size();
    do {
      std::uint8_t* into = piece.data();
      std::size_t room = piece.size();
      if (BrotliEncoderCompressStream(state_, operation, &left, &next, &room, &into, nullptr) !=
          BROTLI_TRUE) {
        return false;
      }
      if (room < piece.size()) out(core::Bytes(piece).first(piece.size() - room));
    } while (left > 0 || BrotliEncoderHasMoreOutput(state_) == BROTLI_TRUE);
    return true;
  }

  BrotliEncoderState* state_;
  bool good_ = false;
};

template <typename Kind>
std::unique_ptr<Compressor> made(std::atomic<unsigned>& at_work) {
  auto compressor = std::make_unique<Kind>(at_work);
  if (!compressor->good()) return nullptr;
  return compressor;
}

} // namespace

bool may_compress(const CompressionRules& rules, const RequestHead& request,
                  const ResponseHead& answer) {
  if (!rules.enabled || answer.status != 200 || answer.body.kind == BodySize::Kind::none)
    return false;
  if (answer.body.kind == BodySize::Kind::length && answer.body.length < rules.least_bytes)
    return false;
  return (request.method == "GET" || request.method == "HEAD") &&
         request.version != Version::http_1_0 && !has_credentials(request) &&
         !request.fields.has_token("cache-control", "no-transform") &&
         !answer.fields.find("set-cookie") && !is_bound_to_its_bytes(answer.fields) &&
         is_wanted_type(rules, answer.fields.find("content-type").value_or(""));
}

std::optional<Coding> coding_for(const RequestHead& request) {
  if (request.method == "HEAD") return std::nullopt; // there is nothing to compress
  const AcceptedCodings accepted = accepted_codings(request.fields);
  if (accepted.br) return Coding::br;
  if (accepted.gzip) return Coding::gzip;
  return std::nullopt;
}

void add_vary(ResponseHead& answer) {
  if (!answer.fields.has_token("vary", "accept-encoding") && !answer.fields.has_token("vary", "*"))
    answer.fields.add("vary", "Accept-Encoding");
}

void mark_compressed(ResponseHead& answer, Coding coding) {
  answer.fields.add("content-encoding", coding == Coding::br ? "br" : "gzip");
  answer.fields.remove("accept-ranges"); // of bytes that are no longer there
  if (const auto etag = answer.fields.find("etag"); etag && !etag->starts_with("W/")) {
    const std::string weak = "W/" + std::string(*etag);
    answer.fields.remove("etag");
    answer.fields.add("etag", weak);
  }
  answer.body = {.kind = BodySize::Kind::open};
}

std::unique_ptr<Compressor> Compressor::make(Coding coding, std::atomic<unsigned>& at_work) {
  if (at_work.fetch_add(1) >= kMaxCompressors) {
    --at_work;
    return nullptr;
  }
  return coding == Coding::br ? made<Brotli>(at_work) : made<Gzip>(at_work);
}

} // namespace rproxyd
