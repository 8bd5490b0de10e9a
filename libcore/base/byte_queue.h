// Bytes that wait: a queue of fixed-size chunks taken from a pool, so that a connection with
// nothing to send holds no memory, and that nothing is allocated per proxied chunk once the pool
// is warm. One pool a worker. A queue has no limit of its own: whoever appends checks size()
// against the limit that is named for that use.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "libcore/base/bytes.h"

namespace core {

class ChunkPool {
 public:
  static constexpr std::size_t kChunkBytes = std::size_t{16} * 1024;

  // Keeps at most `keep_free` unused chunks for later; the rest go back to the allocator.
  explicit ChunkPool(std::size_t keep_free = 256) : keep_free_(keep_free) {}
  ~ChunkPool(); // every queue that uses the pool must be gone
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  std::size_t in_use() const { return in_use_; } // chunks held by queues

 private:
  friend class ByteQueue;
  struct Chunk {
    Chunk* next = nullptr;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint8_t bytes[kChunkBytes]; // not initialised
  };
  Chunk* take();
  void give(Chunk* chunk);

  Chunk* free_ = nullptr;
  std::size_t free_count_ = 0;
  std::size_t keep_free_;
  std::size_t in_use_ = 0;
};

class ByteQueue {
 public:
  explicit ByteQueue(ChunkPool& pool) : pool_(&pool) {}
  ByteQueue(ByteQueue&& other) noexcept;
  ByteQueue& operator=(ByteQueue&& other) noexcept;
  ~ByteQueue() { clear(); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  void append(Bytes bytes); // copies
  // Room at the end, at least one byte; what was written there is made part by commit().
  MutableBytes tail();
  void commit(std::size_t count);

  // The first contiguous piece: borrowed until the next call that changes the queue.
  Bytes front() const;
  // The first pieces, for writev(2); returns how many entries were filled.
  std::size_t gather(std::span<iovec> vectors) const;
  std::vector<std::uint8_t> copy() const;
  void consume(std::size_t count);    // count <= size()
  void move_all_to(ByteQueue& other); // same pool; appends without copying
  void clear();

 private:
  using Chunk = ChunkPool::Chunk;
  ChunkPool* pool_;
  Chunk* head_ = nullptr;
  Chunk* tail_ = nullptr;
  std::size_t size_ = 0;
};

} // namespace core
