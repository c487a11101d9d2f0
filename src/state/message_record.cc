#include "state/message_record.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/packed.h"
#include "base/printable.h"
#include "state/stored_values.h"

namespace relaypipe {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kLongestWords = 200;
constexpr std::size_t kLongestName = 200;

constexpr MessageState::Kind kLastKind = MessageState::Kind::Unconfirmed;
static_assert(numbered_in_order({MessageState::Kind::Accepted, MessageState::Kind::Unconfirmed}, kLastKind));

}  // namespace

std::string pack(const MessageState& state) {
  Packer out;
  out.number(kVersion);
  pack_enum(out, state.kind);
  out.time(state.at);
  out.number(state.content);
  out.text(clip(state.queue_id, kLongestName));
  out.text(clip(state.recipient, kLongestName));
  out.text(clip(state.relay, 2 * kLongestName));
  out.text(clip(state.words, kLongestWords));
  return out.take();
}

std::optional<MessageState> unpack_message(std::string_view octets) {
  Unpacker in(octets);
  if (in.number() != kVersion) return std::nullopt;
  const auto kind = unpack_enum(in, kLastKind);
  if (!kind) return std::nullopt;
  MessageState state;
  state.kind = *kind;
  state.at = in.time();
  state.content = in.number();
  state.queue_id = printable(in.text());
  state.recipient = printable(in.text());
  state.relay = in.text();
  state.words = printable(in.text());
  if (!in.done()) return std::nullopt;
  return state;
}

bool is_of(const MessageState& state, std::string_view queue_id, std::string_view recipient) {
  const auto kept = [](std::string_view name) { return printable(clip(name, kLongestName)); };
  return kept(state.queue_id) == kept(queue_id) && kept(state.recipient) == kept(recipient);
}

std::string message_key(std::string_view queue_id, std::string_view recipient) {
  // One NUL between them, which neither has: no other pair makes the same octets.
  const std::uint64_t hash = hash_octets(recipient, hash_octets(std::string_view("\0", 1), hash_octets(queue_id)));
  return fmt::format("{}{:016x}", kMessageKeys, hash);
}

}  // namespace relaypipe
