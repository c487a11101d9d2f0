#include "state/change.h"

#include <algorithm>

#include "base/packed.h"
#include "base/printable.h"

namespace relaypipe {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kLongestWords = 200;
constexpr std::size_t kLongestName = 200;

void pack_one(Packer& out, const Change& change) {
  out.number(static_cast<std::uint64_t>(change.kind));
  out.time(change.at);
  out.text(clip(change.relay, kLongestName));
  out.number(static_cast<std::uint64_t>(change.cause));
  out.time(change.until);
  out.text(clip(change.words, kLongestWords));
}

bool unpack_one(Unpacker& in, Change& change) {
  const std::uint64_t kind = in.number();
  change.at = in.time();
  change.relay = printable(in.text());
  const std::uint64_t cause = in.number();
  change.until = in.time();
  change.words = printable(in.text());
  if (kind > static_cast<std::uint64_t>(Change::Kind::Reset)) return false;
  if (cause > static_cast<std::uint64_t>(kLastCause)) return false;
  change.kind = static_cast<Change::Kind>(kind);
  change.cause = static_cast<Cause>(cause);
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
