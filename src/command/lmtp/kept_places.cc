#include "command/lmtp/kept_places.h"

#include <array>
#include <vector>

#include "state/history_records.h"
#include "state/idle_places.h"
#include "state/state_record.h"

namespace relaypipe {

bool StoredPlaces::is_wanted(const std::string& relay) {
  const std::array keys{relay_key(relay)};
  const auto known = unpack(state_.store().read(keys, state_.wall().now()).at(0));
  return known && relaypipe::is_wanted(known->allowance, state_.services().self());
}

void StoredPlaces::closed(const std::string& relay) {
  const std::array keys{relay_key(relay)};
  const WallTime now = state_.wall().now();
  const Owner self = state_.services().self();
  state_.store().update(keys, now, StateWait::Exact, [&](std::vector<StateValue>& values) {
    RelayState state = state_in(values[0]);
    close_idle(state.allowance, self);
    values[0] = value_of(state, now);
  });
}

}  // namespace relaypipe
