#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "state/relay_history.h"
#include "state/store.h"

namespace relaypipe {

/// The keys of what is remembered of one relay and concerns a message, in the order in which history_in() and
/// write_history() have the records: of the relay, of it with the sender, and of it with each of the recipients'
/// domains, as domains_of() lists them.
void add_history_keys(std::vector<std::string>& keys, std::string_view relay, std::string_view sender,
                      std::span<const std::string> domains);

/// How many records that are.
inline std::size_t history_size(std::size_t domains) { return 2 + domains; }

/// What those records say; one that cannot be read counts as absent.
RelayHistory history_in(std::span<const std::string> records);
RelayHistory history_in(std::span<const StateValue> values);

/// Puts it back; a pair of which nothing is known has no record.
void write_history(const RelayHistory& history, std::span<StateValue> values, WallTime now);

/// The record of the relay alone.
RelayState state_in(const StateValue& value);
StateValue value_of(const RelayState& state, WallTime now);

}  // namespace relaypipe
