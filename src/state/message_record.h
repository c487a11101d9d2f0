#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/wall_time.h"

namespace relaypipe {

/// What is remembered of one message and one of its recipients, from the dot on.
struct MessageState {
  enum class Kind {
    Accepted,     ///< a relay has it: whoever delivers it once more has nothing to do
    Unconfirmed,  ///< the dot was sent, and no reply came
  } kind = Kind::Accepted;
  WallTime at = kNever;
  std::uint64_t content = 0;  ///< tells the message from another one that got the same queue id later
  std::string queue_id;
  std::string recipient;
  std::string relay;  ///< its name in the plan
  std::string words;  ///< what the attempt showed, one printable line
};

std::string pack(const MessageState& state);
/// Nothing where the octets are of another version or make no sense: unreadable counts as absent.
std::optional<MessageState> unpack_message(std::string_view octets);

/// Whether a record is of this message and recipient; another one may have got its key.
bool is_of(const MessageState& state, std::string_view queue_id, std::string_view recipient);

inline constexpr std::string_view kMessageKeys = "message/";  ///< what their keys begin with

std::string message_key(std::string_view queue_id, std::string_view recipient);

}  // namespace relaypipe
