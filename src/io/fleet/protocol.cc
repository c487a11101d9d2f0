#include "io/fleet/protocol.h"

#include <hiredis/hiredis.h>

namespace relaypipe {
namespace {

StoreReply take(const redisReply& from) {
  using Kind = StoreReply::Kind;
  StoreReply reply;
  switch (from.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
      reply.kind = from.type == REDIS_REPLY_ERROR ? Kind::Error : Kind::Text;
      reply.text.assign(from.str, static_cast<std::size_t>(from.len));
      break;
    case REDIS_REPLY_INTEGER:
      reply.kind = Kind::Number;
      reply.number = from.integer;
      break;
    case REDIS_REPLY_ARRAY:
      reply.kind = Kind::List;
      for (std::size_t i = 0; i < from.elements; ++i)
        reply.list.push_back(take(*from.element[i]));
      break;
    default: break;
  }
  return reply;
}

}  // namespace

/// How hiredis makes lists: a count that is not believed has no memory set aside for it.
struct ReplyReader::Lists {
  redisReplyObjectFunctions functions;
  decltype(redisReplyObjectFunctions::createArray) make;
  std::size_t left;  ///< elements that the present reply may still have

  /// `Count` has another type in each version of hiredis.
  template <class Count>
  static void* make_bounded(const redisReadTask* task, Count count) {
    Lists& lists = *static_cast<Lists*>(task->privdata);
    if (static_cast<std::size_t>(count) > lists.left) return nullptr;
    lists.left -= static_cast<std::size_t>(count);
    return lists.make(task, count);
  }
};

std::string encode(const StoreCommand& command) {
  std::vector<const char*> words;
  std::vector<std::size_t> lengths;
  for (const std::string& word : command) {
    words.push_back(word.data());
    lengths.push_back(word.size());
  }
  char* octets = nullptr;
  const auto size = redisFormatCommandArgv(&octets, static_cast<int>(words.size()), words.data(), lengths.data());
  if (size < 0) throw std::bad_alloc();
  const std::unique_ptr<char, void (*)(char*)> owner(octets, redisFreeCommand);
  return {octets, static_cast<std::size_t>(size)};
}

ReplyReader::ReplyReader(const ReplyLimits& limits)
    : limits_(limits), lists_(std::make_unique<Lists>()), reader_(redisReaderCreate(), redisReaderFree) {
  if (!reader_) throw std::bad_alloc();
  lists_->functions = *reader_->fn;
  lists_->make = lists_->functions.createArray;
  lists_->functions.createArray = Lists::make_bounded;
  lists_->left = limits_.elements;
  reader_->fn = &lists_->functions;
  reader_->privdata = lists_.get();
}

ReplyReader::~ReplyReader() = default;

void ReplyReader::feed(std::string_view octets) {
  unread_ += octets.size();
  redisReaderFeed(reader_.get(), octets.data(), octets.size());
}

Result<std::optional<StoreReply>, std::string> ReplyReader::next() {
  void* found = nullptr;
  const int end = redisReaderGetReply(reader_.get(), &found);
  const std::unique_ptr<void, void (*)(void*)> owner(found, freeReplyObject);
  const std::size_t rest = found == nullptr ? 0 : reader_->len - reader_->pos;
  if (end != REDIS_OK || unread_ - rest > limits_.octets) {
    return fail(std::string("what answers there does not speak the protocol of Redis"));
  }
  if (found == nullptr) return std::optional<StoreReply>();
  unread_ = rest;
  lists_->left = limits_.elements;
  return std::optional(take(*static_cast<const redisReply*>(found)));
}

}  // namespace relaypipe
