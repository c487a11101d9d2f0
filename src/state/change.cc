#include "state/change.h"

#include <algorithm>

#include "base/packed.h"
#include "base/printable.h"
#include "state/stored_values.h"

namespace relaypipe {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kLongestWords = 200;
constexpr std::size_t kLongestName = 200;

constexpr Change::Kind kLastKind = Change::Kind::Reset;
static_assert(numbered_in_order({Change::Kind::Down, Change::Kind::Up, Change::Kind::Suspended, Change::Kind::Resumed,
                                 Change::Kind::Reset},
                                kLastKind));

void pack_one(Packer& out, const Change& change) {
  pack_enum(out, change.kind);
  out.time(change.at);
  out.text(clip(change.relay, kLongestName));
  pack_enum(out, change.cause);
  out.time(change.until);
  out.text(clip(change.words, kLongestWords));
}

bool unpack_one(Unpacker& in, Change& change) {
  const auto kind = unpack_enum(in, kLastKind);
  change.at = in.time();
  change.relay = printable(in.text());
  const auto cause = unpack_enum(in, kLastCause);
  change.until = in.time();
  change.words = printable(in.text());
  if (!kind || !cause) return false;
  change.kind = *kind;
  change.cause = *cause;
  return in.fine();
}

}  // namespace

std::vector<Change> unpack_changes(std::string_view octets) {
  Unpacker in(octets);
  if (in.number() != kVersion) return {};
  std::vector<Change> changes(std::min(in.count(), kChanges));
  for (Change& change : changes) {
    if (!unpack_one(in, change)) return {};
  }
  if (!in.done()) return {};
  return changes;
}

std::string append_changes(std::string_view octets, std::span<const Change> more) {
  std::vector<Change> changes = unpack_changes(octets);
  changes.insert(changes.end(), more.begin(), more.end());
  if (changes.size() > kChanges) changes.erase(changes.begin(), changes.end() - kChanges);
  Packer out;
  out.number(kVersion);
  out.number(changes.size());
  for (const Change& change : changes)
    pack_one(out, change);
  return out.take();
}

std::string_view kind_name(Change::Kind kind) {
  switch (kind) {
    case Change::Kind::Down: return "down";
    case Change::Kind::Up: return "up";
    case Change::Kind::Suspended: return "suspended";
    case Change::Kind::Resumed: return "resumed";
    case Change::Kind::Reset: break;
  }
  return "reset";
}

}  // namespace relaypipe
