#pragma once

#include <string>

#include "command/wiring/state_parts.h"
#include "deliver/session_pool.h"

namespace relaypipe {

/// The places of kept sessions, as the state has them for all processes.
class StoredPlaces final : public KeptPlaces {
 public:
  /// The state outlives it.
  explicit StoredPlaces(StateParts& state) : state_(state) {}

  bool is_wanted(const std::string& relay) override;
  void closed(const std::string& relay) override;

 private:
  StateParts& state_;
};

}  // namespace relaypipe
