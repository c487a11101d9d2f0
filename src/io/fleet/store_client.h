#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/deadline.h"
#include "base/result.h"
#include "base/secret.h"
#include "io/fleet/channel.h"
#include "io/fleet/protocol.h"
#include "io/fleet/scripts.h"

namespace relaypipe {

/// As whom the store is asked, and in which of its databases.
struct StoreLogin {
  std::string user;  ///< empty: the default user
  Secret password;   ///< empty: no AUTH
  std::uint64_t database = 0;
};

/// One call of a script.
struct ScriptCall {
  const StoreScript& script;
  std::vector<std::string> keys;
  std::vector<std::string> arguments;
};

/// Asks a Valkey or Redis server. Everything that is asked at once takes one round trip, the login included.
class StoreClient {
 public:
  explicit StoreClient(const Clock& clock) : channel_(clock) {}

  /// What went wrong, a phrase; nothing where it is connected by `end`.
  std::optional<std::string> open(const ChannelTarget& target, const StoreLogin& login, Instant end);
  /// A reply for each command. The error is a phrase; a reply that is an error of the store is none.
  Result<std::vector<StoreReply>, std::string> run(std::span<const StoreCommand> commands, Instant end);
  /// The same of scripts. One that the store does not know, since it was started again, goes to it as a whole.
  Result<std::vector<StoreReply>, std::string> call(std::span<const ScriptCall> calls, Instant end);

 private:
  Result<std::vector<StoreReply>, std::string> receive(std::size_t count, Instant end);

  Channel channel_;
  ReplyReader reader_;
  std::vector<StoreCommand> login_;  ///< not sent yet
};

}  // namespace relaypipe
