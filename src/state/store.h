#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/wall_time.h"

namespace relaypipe {

/// A record's octets, empty where there is none, and until when they are of use to anybody.
struct StateValue {
  std::string octets;
  WallTime useful_until = kNever;

  friend bool operator==(const StateValue&, const StateValue&) = default;
};

/// How long a change may wait for other processes. Neither waits for a disk or a dead process, and for one that was
/// stopped in the middle of a change neither waits for ever. While the others get on, both wait for their turn.
enum class StateWait {
  Brief,  ///< a quarter of a second while nobody gets on: without the record a delivery is only less well informed
  Exact,  ///< some seconds: a limit depends on it, which must not be passed because the machine is busy
};

/// What all running copies remember together. It knows octets, never what they mean; its real form is
/// io/state/store, its double test/fake/memory_state_store.
///
/// None of it fails towards its caller: a store that cannot be read is empty, one that cannot be written forgets, and
/// trouble() says why.
class StateStore {
 public:
  virtual ~StateStore() = default;

  /// The records of some keys as they were at one moment.
  virtual std::vector<std::string> read(std::span<const std::string> keys, WallTime now) = 0;

  /// Shows the records of some keys to `change` and keeps what it makes of them; no other process changes anything
  /// meanwhile. `change` is called exactly once, whatever the store's state: what it decides holds for this delivery
  /// even where it cannot be kept. False when it was not kept.
  virtual bool update(std::span<const std::string> keys, WallTime now, StateWait wait,
                      const std::function<void(std::vector<StateValue>&)>& change) = 0;

  /// All records whose keys begin with `prefix`, by key.
  virtual std::vector<std::pair<std::string, std::string>> list(std::string_view prefix, WallTime now) = 0;

  /// What went wrong first, as a sentence for the log; nothing while the store works.
  [[nodiscard]] virtual std::optional<std::string> trouble() const = 0;
};

}  // namespace relaypipe
