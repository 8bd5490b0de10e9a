#include "libcore/base/byte_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace core {

ChunkPool::~ChunkPool() {
  while (free_ != nullptr) delete std::exchange(free_, free_->next);
}

ChunkPool::Chunk* ChunkPool::take() {
  ++in_use_;
  if (free_ == nullptr) return new Chunk;
  --free_count_;
  Chunk* chunk = std::exchange(free_, free_->next);
  chunk->next = nullptr;
  chunk->begin = chunk->end = 0;
  return chunk;
}

void ChunkPool::give(Chunk* chunk) {
  --in_use_;
  if (free_count_ >= keep_free_) {
    delete chunk;
    return;
  }
  chunk->next = std::exchange(free_, chunk);
  ++free_count_;
}

ByteQueue::ByteQueue(ByteQueue&& other) noexcept
    : pool_(other.pool_),
      head_(std::exchange(other.head_, nullptr)),
      tail_(std::exchange(other.tail_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

ByteQueue& ByteQueue::operator=(ByteQueue&& other) noexcept {
  if (this == &other) return *this;
  clear();
  pool_ = other.pool_;
  head_ = std::exchange(other.head_, nullptr);
  tail_ = std::exchange(other.tail_, nullptr);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

MutableBytes ByteQueue::tail() {
  if (tail_ == nullptr || tail_->end == ChunkPool::kChunkBytes) {
    Chunk* fresh = pool_->take();
    (tail_ == nullptr ? head_ : tail_->next) = fresh;
    tail_ = fresh;
  }
  return MutableBytes(tail_->bytes).subspan(tail_->end);
}

void ByteQueue::commit(std::size_t count) {
  tail_->end += static_cast<std::uint32_t>(count);
  size_ += count;
}

void ByteQueue::append(Bytes bytes) {
  while (!bytes.empty()) {
    const MutableBytes room = tail();
    const std::size_t count = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), count);
    commit(count);
    bytes = bytes.subspan(count);
  }
}

Bytes ByteQueue::front() const {
  for (const Chunk* chunk = head_; chunk != nullptr; chunk = chunk->next) {
    if (chunk->begin != chunk->end)
      return Bytes(chunk->bytes).subspan(chunk->begin, chunk->end - chunk->begin);
  }
  return {};
}

std::size_t ByteQueue::gather(std::span<iovec> vectors) const {
  std::size_t filled = 0;
  for (Chunk* chunk = head_; chunk != nullptr && filled < vectors.size(); chunk = chunk->next) {
    if (chunk->begin == chunk->end) continue;
    vectors[filled++] = {.iov_base = chunk->bytes + chunk->begin,
                         .iov_len = chunk->end - chunk->begin};
  }
  return filled;
}

std::vector<std::uint8_t> ByteQueue::copy() const {
  std::vector<std::uint8_t> all;
  all.reserve(size_);
  for (const Chunk* chunk = head_; chunk != nullptr; chunk = chunk->next) {
    all.insert(all.end(), chunk->bytes + chunk->begin, chunk->bytes + chunk->end);
  }
  return all;
}

void ByteQueue::consume(std::size_t count) {
  size_ -= count;
  while (head_ != nullptr) {
    const std::size_t here = std::min<std::size_t>(count, head_->end - head_->begin);
    head_->begin += static_cast<std::uint32_t>(here);
    count -= here;
    if (head_->begin != head_->end) break;
    pool_->give(std::exchange(head_, head_->next));
    if (head_ == nullptr) tail_ = nullptr;
  }
}

void ByteQueue::move_all_to(ByteQueue& other) {
  if (head_ == nullptr) return;
  (other.tail_ == nullptr ? other.head_ : other.tail_->next) = head_;
  other.tail_ = tail_;
  other.size_ += size_;
  head_ = tail_ = nullptr;
  size_ = 0;
}

void ByteQueue::clear() {
  while (head_ != nullptr) pool_->give(std::exchange(head_, head_->next));
  tail_ = nullptr;
  size_ = 0;
}

} // namespace core
