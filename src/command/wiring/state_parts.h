#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/journal.h"
#include "io/state/owners.h"
#include "io/system/system_clock.h"
#include "state/delivery_history.h"
#include "state/delivery_lock.h"

namespace relaypipe {

/// What the history of a delivery needs, put together from the settings: the store and the lock in the state directory,
/// or neither where `state = no`.
class StateParts {
 public:
  StateParts(const Settings& settings, std::vector<std::string> on_change, const Clock& clock, Journal& journal,
             std::string log_id);
  /// The store's files are left to the end of the process, which comes right after: to close them costs a tenth of what
  /// remembering costs, and everything is written.
  ~StateParts() { static_cast<void>(store_.release()); }
  StateParts(const StateParts&) = delete;
  StateParts& operator=(const StateParts&) = delete;

  /// The references outlive what is made of them.
  [[nodiscard]] HistoryServices services();
  [[nodiscard]] StateStore& store() { return *store_; }
  [[nodiscard]] DeliveryLock& lock() { return *lock_; }
  [[nodiscard]] const WallClock& wall() const { return wall_; }

  /// What the lines of the log begin with from now on.
  void log_as(std::string log_id) { log_id_ = std::move(log_id); }
  /// Begins again, with the files that are there now.
  void renew();
  /// Closes the store's files where the process goes on without them.
  void close() { store_.reset(); }
  /// What does not work, once, as lines of the log.
  void tell_trouble();
  /// Whether something does not work, and is not tried again.
  [[nodiscard]] bool in_trouble() const;

 private:
  void tell(const Change& change);

  const Clock& clock_;
  Journal& journal_;
  std::string log_id_;
  std::vector<std::string> on_change_;
  std::string directory_;  ///< empty where nothing is remembered
  SystemWallClock wall_;
  std::unique_ptr<StateOwners> owners_;  ///< none where nothing is remembered
  std::unique_ptr<StateStore> store_;
  std::unique_ptr<DeliveryLock> lock_;
};

}  // namespace relaypipe
