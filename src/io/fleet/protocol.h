#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/fleet/reply.h"

struct redisReader;

namespace relaypipe {

/// How large a reply may be. What is larger than a fleet of ten thousand hosts needs is no reply of a store.
struct ReplyLimits {
  std::size_t octets = std::size_t{4} * 1024 * 1024;
  std::size_t elements = 65'536;  ///< of all its lists together
};

/// The octets of a command.
std::string encode(const StoreCommand& command);

/// Reads replies out of octets, by hiredis; of any version, since neither its sockets nor its TLS are used.
class ReplyReader {
 public:
  explicit ReplyReader(const ReplyLimits& limits = {});
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  void feed(std::string_view octets);
  /// The next reply; nothing while it is not complete. The error is a phrase: these are not the octets of a store.
  Result<std::optional<StoreReply>, std::string> next();
  /// Octets that no reply was made of yet.
  [[nodiscard]] std::size_t unread() const { return unread_; }

 private:
  struct Lists;

  ReplyLimits limits_;
  std::size_t unread_ = 0;
  std::unique_ptr<Lists> lists_;
  std::unique_ptr<redisReader, void (*)(redisReader*)> reader_;
};

}  // namespace relaypipe
