#include "state/counters.h"

#include "base/packed.h"
#include "base/printable.h"
#include "state/stored_values.h"

namespace relaypipe {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kLongestName = 200;

}  // namespace

void add(Counters& to, const Counters& more) {
  for (const auto& [key, count] : more.failed) {
    if (to.failed.size() < kCounters || to.failed.contains(key)) to.failed[key] += count;
  }
  for (const auto& [cause, count] : more.deferred)
    to.deferred[cause] += count;
  to.bounced += more.bounced;
}

std::string pack(const Counters& counters) {
  Packer out;
  out.number(kVersion);
  out.number(counters.failed.size());
  for (const auto& [key, count] : counters.failed) {
    out.text(clip(key.first, kLongestName));
    pack_enum(out, key.second);
    out.number(count);
  }
  out.number(counters.deferred.size());
  for (const auto& [cause, count] : counters.deferred) {
    pack_enum(out, cause);
    out.number(count);
  }
  out.number(counters.bounced);
  return out.take();
}

Counters unpack_counters(std::string_view octets) {
  Unpacker in(octets);
  Counters counters;
  if (in.number() != kVersion) return {};
  for (std::size_t left = in.count(); left > 0 && in.fine(); --left) {
    std::string relay = printable(in.text());
    const auto cause = unpack_enum(in, kLastCause);
    if (!cause) return {};
    counters.failed[{std::move(relay), *cause}] = in.number();
  }
  for (std::size_t left = in.count(); left > 0 && in.fine(); --left) {
    const auto cause = unpack_enum(in, kLastCause);
    if (!cause) return {};
    counters.deferred[*cause] = in.number();
  }
  counters.bounced = in.number();
  if (!in.done()) return {};
  return counters;
}

}  // namespace relaypipe
