#include "libcore/resp/reader.h"

#include <hiredis/read.h>

#include <utility>

namespace resp {
namespace {

// The place of a value: an element of the array whose task is the parent. hiredis asks for elements in
// their order, and frees the root alone.
Value* placed(const redisReadTask* task, Value value) {
  if (task->parent == nullptr) return new Value(std::move(value));
  auto& siblings = static_cast<Value*>(task->parent->obj)->elements;
  siblings.push_back(std::move(value));
  return &siblings.back();
}

void* make_string(const redisReadTask* task, char* bytes, std::size_t size) {
  Value value;
  value.kind = task->type == REDIS_REPLY_ERROR ? Value::Kind::error : Value::Kind::text;
  value.text.assign(bytes, size);
  return placed(task, std::move(value));
}

// What the server announces is not reserved: it may announce what it never sends. An array's elements
// may move while they grow; the one that is being read is always the last, and has no place above it
// that moves meanwhile.
void* make_array(const redisReadTask* task, int) {
  Value value;
  value.kind = Value::Kind::array;
  return placed(task, std::move(value));
}

void* make_integer(const redisReadTask* task, long long number) {
  Value value;
  value.kind = Value::Kind::integer;
  value.integer = number;
  return placed(task, std::move(value));
}

void* make_nil(const redisReadTask* task) { return placed(task, Value{}); }

void free_value(void* value) { delete static_cast<Value*>(value); }

redisReplyObjectFunctions functions{.createString = make_string,
                                    .createArray = make_array,
                                    .createInteger = make_integer,
                                    .createNil = make_nil,
                                    .freeObject = free_value};

} // namespace

Reader::Reader() : reader_(redisReaderCreateWithFunctions(&functions)) {}
Reader::~Reader() = default;

void Reader::Free::operator()(redisReader* reader) const { redisReaderFree(reader); }

bool Reader::feed(core::Bytes bytes) {
  if (!reader_ || reader_->len - reader_->pos + bytes.size() > kMaxWaiting) return false;
  return redisReaderFeed(reader_.get(), reinterpret_cast<const char*>(bytes.data()),
                         bytes.size()) == REDIS_OK;
}

std::expected<std::optional<Value>, std::string> Reader::next() {
  void* found = nullptr;
  if (redisReaderGetReply(reader_.get(), &found) != REDIS_OK)
    return std::unexpected(std::string(reader_->errstr));
  if (found == nullptr) return std::nullopt;
  const std::unique_ptr<Value> value(static_cast<Value*>(found));
  return std::optional(std::move(*value));
}

} // namespace resp
