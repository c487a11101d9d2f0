#include "state/change_log.h"

#include <array>

namespace relaypipe {
namespace {

constexpr Span kKept = std::chrono::days(90);

std::array<std::string, 1> key() { return {std::string(kChangesKey)}; }

}  // namespace

void note_changes(StateStore& store, std::span<const Change> changes, WallTime now) {
  if (changes.empty()) return;
  store.update(key(), now, StateWait::Brief, [&](std::vector<StateValue>& values) {
    values[0] = {append_changes(values[0].octets, changes), now + kKept};
  });
}

std::vector<Change> noted_changes(StateStore& store, WallTime now) {
  return unpack_changes(store.read(key(), now).at(0));
}

}  // namespace relaypipe
