#include "state/fleet_record.h"

#include "base/packed.h"
#include "base/printable.h"
#include "state/fleet_share.h"
#include "state/stored_values.h"

namespace relaypipe {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kLongestWords = 200;

}  // namespace

std::string pack(const StoreHealth& store) {
  Packer out;
  out.number(kVersion);
  for (const WallTime time : {store.tried, store.answered, store.since})
    out.time(time);
  out.text(clip(store.words, kLongestWords));
  return out.take();
}

StoreHealth unpack_store_health(std::string_view octets) {
  Unpacker in(octets);
  if (in.number() != kVersion) return {};
  StoreHealth store;
  bool fine = true;
  for (WallTime* const time : {&store.tried, &store.answered, &store.since}) {
    *time = in.time();
    fine = fine && is_plausible(*time);
  }
  store.words = printable(in.text());
  if (!fine || !in.done()) return {};
  return store;
}

bool may_ask(const StoreHealth& store, WallTime now) {
  return !store.away() || now >= store.tried + kAskAgain || now < store.tried - kAskAgain;
}

bool note_end(StoreHealth& store, std::string_view problem, WallTime now) {
  const bool was_away = store.away();
  if (problem.empty()) {
    store.answered = now;
    store.since = kNever;
    store.words.clear();
    return was_away;
  }
  if (!was_away) store.since = now;
  store.words = printable(problem);
  return !was_away;
}

}  // namespace relaypipe
