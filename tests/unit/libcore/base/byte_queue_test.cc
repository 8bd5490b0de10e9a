#include "libcore/base/byte_queue.h"

#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <random>
#include <string>
#include <utility>

namespace {

using core::ByteQueue;
using core::ChunkPool;

constexpr std::size_t kChunk = ChunkPool::kChunkBytes;

std::string bytes_from(std::size_t seed, std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(seed + i * 7 + i / 256);
  return text;
}

// All that is in the queue, as writev() would send it.
std::string content(const ByteQueue& queue) {
  std::array<iovec, 64> vectors;
  const std::size_t count = queue.gather(vectors);
  std::string all;
  for (std::size_t i = 0; i < count; ++i) {
    CHECK(vectors[i].iov_len > 0);
    all.append(static_cast<const char*>(vectors[i].iov_base), vectors[i].iov_len);
  }
  return all;
}

TEST_CASE("a queue holds no memory while it is empty, and gives it back when it has been read") {
  ChunkPool pool;
  ByteQueue queue(pool);
  CHECK(queue.empty());
  CHECK(queue.front().empty());
  CHECK(pool.in_use() == 0);
  queue.append(core::bytes_of(bytes_from(1, kChunk + 1)));
  CHECK(queue.size() == kChunk + 1);
  CHECK(pool.in_use() == 2);
  queue.consume(kChunk);
  CHECK(pool.in_use() == 1);
  queue.consume(1);
  CHECK(queue.empty());
  CHECK(pool.in_use() == 0);
}

TEST_CASE("appending nothing takes no chunk") {
  ChunkPool pool;
  ByteQueue queue(pool);
  queue.append({});
  CHECK(pool.in_use() == 0);
}

TEST_CASE("a chunk is filled before another is taken") {
  ChunkPool pool;
  ByteQueue queue(pool);
  for (std::size_t i = 0; i < kChunk; ++i) queue.append(core::bytes_of("x"));
  CHECK(pool.in_use() == 1);
  CHECK(queue.front().size() == kChunk);
  queue.append(core::bytes_of("y"));
  CHECK(pool.in_use() == 2);
}

TEST_CASE("tail() is room to write to, of which commit() takes what was written") {
  ChunkPool pool;
  ByteQueue queue(pool);
  auto room = queue.tail();
  REQUIRE(room.size() == kChunk);
  CHECK(queue.empty());
  std::ranges::copy(std::string_view("hello"), room.begin());
  queue.commit(5);
  CHECK(content(queue) == "hello");
  CHECK(queue.tail().size() == kChunk - 5);
  queue.tail();
  queue.commit(0);
  CHECK(content(queue) == "hello");
  queue.consume(5);
  CHECK(pool.in_use() == 0);
}

TEST_CASE("room that was asked for and never used is passed over, and given back") {
  ChunkPool pool;
  {
    ByteQueue queue(pool);
    queue.tail();
    CHECK(queue.front().empty());
    CHECK(content(queue).empty());
    ByteQueue more(pool);
    more.append(core::bytes_of("after"));
    more.move_all_to(queue); // behind the unused room
    CHECK(core::text_of(queue.front()) == "after");
    CHECK(content(queue) == "after");
    queue.consume(2);
    CHECK(content(queue) == "ter");
    queue.consume(0);
    CHECK(content(queue) == "ter");
  }
  CHECK(pool.in_use() == 0);
}

TEST_CASE("gather() fills as many vectors as it is given") {
  ChunkPool pool;
  ByteQueue queue(pool);
  queue.append(core::bytes_of(bytes_from(1, 3 * kChunk)));
  std::array<iovec, 2> two;
  CHECK(queue.gather(two) == 2);
  CHECK(two[0].iov_len == kChunk);
  CHECK(two[1].iov_len == kChunk);
  CHECK(queue.gather({}) == 0);
}

TEST_CASE("a pool keeps as many free chunks as it was told, and lends them again") {
  ChunkPool pool(1);
  ByteQueue queue(pool);
  queue.append(core::bytes_of(bytes_from(1, 3 * kChunk)));
  const std::uint8_t* first = queue.front().data();
  queue.clear();
  CHECK(pool.in_use() == 0);
  queue.append(core::bytes_of("x"));
  CHECK(queue.front().data() == first); // the first that was given back was kept
}

TEST_CASE("a queue that is moved from is empty, and one that is moved to forgets what it had") {
  ChunkPool pool;
  ByteQueue from(pool);
  from.append(core::bytes_of("content"));
  ByteQueue to(std::move(from));
  CHECK(from.empty()); // NOLINT(bugprone-use-after-move): what is checked
  CHECK(content(to) == "content");
  from.append(core::bytes_of("again"));
  to = std::move(from);
  CHECK(content(to) == "again");
  CHECK(pool.in_use() == 1);
  ByteQueue& same = to;
  to = std::move(same);
  CHECK(content(to) == "again");
}

TEST_CASE("any order of operations leaves what a string would") {
  std::mt19937 random(7);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random()) % limit; };
  ChunkPool pool(4);
  struct Checked {
    explicit Checked(ChunkPool& pool) : queue(pool) {}
    ByteQueue queue;
    std::string model;
  };
  std::array<Checked, 2> both{Checked(pool), Checked(pool)};
  constexpr std::size_t kMost = 20 * kChunk;
  for (int step = 0; step < 20'000; ++step) {
    Checked& one = both[below(2)];
    Checked& other = &one == &both[0] ? both[1] : both[0];
    switch (below(8)) {
      case 0:
      case 1:
      case 2: {
        const auto more = bytes_from(static_cast<std::size_t>(step),
                                     below(4) == 0 ? below(3 * kChunk) : below(100));
        if (one.model.size() + more.size() > kMost) break;
        one.queue.append(core::bytes_of(more));
        one.model += more;
        break;
      }
      case 3: {
        auto room = one.queue.tail();
        REQUIRE_FALSE(room.empty());
        const auto more = bytes_from(static_cast<std::size_t>(step), below(room.size() + 1));
        std::ranges::copy(core::bytes_of(more), room.begin());
        one.queue.commit(more.size());
        one.model += more;
        break;
      }
      case 4:
      case 5: {
        const std::size_t count = below(one.model.size() + 1);
        one.queue.consume(count);
        one.model.erase(0, count);
        break;
      }
      case 6:
        one.queue.move_all_to(other.queue);
        other.model += std::exchange(one.model, {});
        break;
      default:
        if (below(10) == 0) {
          one.queue.clear();
          one.model.clear();
        } else {
          one.queue = std::move(other.queue);
          one.model = std::exchange(other.model, {});
        }
    }
    for (const Checked& each : both) {
      REQUIRE(each.queue.size() == each.model.size());
      REQUIRE(each.queue.empty() == each.model.empty());
      const auto front = each.queue.front();
      REQUIRE(front.empty() == each.model.empty());
      REQUIRE(core::text_of(front) == std::string_view(each.model).substr(0, front.size()));
    }
    if (step % 16 == 0) {
      std::array<iovec, 4096> vectors;
      for (const Checked& each : both) {
        std::string all;
        const std::size_t count = each.queue.gather(vectors);
        for (std::size_t i = 0; i < count; ++i) {
          all.append(static_cast<const char*>(vectors[i].iov_base), vectors[i].iov_len);
        }
        REQUIRE(all == each.model);
        const auto copy = each.queue.copy();
        REQUIRE(core::text_of(copy) == each.model);
      }
    }
  }
  for (Checked& each : both) each.queue.clear();
  CHECK(pool.in_use() == 0);
}

} // namespace
