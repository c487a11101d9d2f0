#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/configuration.h"
#include "io/fleet/store_client.h"

namespace relaypipe {

/// The way to the fleet's store. What is asked lasts at most twice `timeout`, whatever the store, the network and DNS
/// do.
class FleetLink {
 public:
  /// The references outlive it. `settings` for their DNS.
  FleetLink(const FleetConfig& fleet, const RunSettings& settings, const Clock& clock);

  /// A reply for each call; the keys of one belong to one relay. The error is a phrase.
  Result<std::vector<StoreReply>, std::string> call(std::span<const ScriptCall> calls);
  Result<std::vector<StoreReply>, std::string> run(std::span<const StoreCommand> commands);

 private:
  std::optional<std::string> open(const StoreAddress& address);
  Result<std::vector<std::string>, std::string> addresses_of(const StoreAddress& address, Instant end) const;
  template <class Ask>
  Result<std::vector<StoreReply>, std::string> ask(const Ask& ask);

  const FleetConfig& fleet_;
  const RunSettings& settings_;
  const Clock& clock_;
  std::unique_ptr<StoreClient> client_;
};

}  // namespace relaypipe
