// Sends the pieces of a file's answer, as fast as the client takes them (proxy rule 16).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "rproxyd/http/client_session.h"
#include "rproxyd/proxy/file_answer.h"
#include "rproxyd/proxy/file_source.h"

namespace rproxyd {

class FileBody {
 public:
  enum class Step : std::uint8_t {
    waiting, // for the client to take some, or for the file: to be called again
    done,
    broken, // the file ended too early
  };

  FileBody(std::unique_ptr<FileSource> file, std::vector<BodyPiece> pieces)
      : file_(std::move(file)), pieces_(std::move(pieces)) {}

  // Until kAnswerHighWater bytes wait, or there is no more.
  Step advance(ClientSession& client, StreamId stream);
  std::uint64_t sent() const { return sent_; }

 private:
  std::unique_ptr<FileSource> file_;
  std::vector<BodyPiece> pieces_;
  std::size_t current_ = 0;
  std::uint64_t sent_ = 0;
};

} // namespace rproxyd
