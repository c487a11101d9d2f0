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
  /// The references outlive it.
  StateParts(const RunSettings& settings, std::vector<std::string> on_change, const Clock& clock, Journal& journal,
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

  /// Another message begins in a process that goes on: `log_id` is what the lines of the log begin with from now on.
  /// Where the file by which deliveries know the living was replaced, or the state was given up for some trouble, it is
  /// begun again with the files that are there. That there is one now, which the first delivery makes, is no change.
  /// The store looks for its files itself.
  void begin_message(std::string log_id);
  /// Closes the store's files where the process goes on without them.
  void close() { store_.reset(); }
  /// What does not work, once, as lines of the log.
  void tell_trouble();

 private:
  void open();
  [[nodiscard]] bool owners_replaced();
  /// Whether something does not work, and is not tried again.
  [[nodiscard]] bool in_trouble() const;
  void tell(const Change& change);

  const RunSettings& settings_;
  const Clock& clock_;
  Journal& journal_;
  std::string log_id_;
  std::vector<std::string> on_change_;
  std::string directory_;    ///< empty where nothing is remembered
  std::string owners_file_;  ///< which file it is; empty where there is none
  SystemWallClock wall_;
  std::unique_ptr<StateOwners> owners_;  ///< none where nothing is remembered
  std::unique_ptr<StateStore> store_;
  std::unique_ptr<DeliveryLock> lock_;
};

}  // namespace relaypipe
