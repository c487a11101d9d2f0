#include "state/history_records.h"

#include <cassert>

namespace relaypipe {
namespace {

RelayState state_in(std::string_view octets) { return unpack(octets).value_or(RelayState()); }

template <class Records, class Octets>
RelayHistory history_of(const Records& records, const Octets& octets) {
  assert(records.size() >= history_size(0));
  RelayHistory history{.relay = state_in(octets(records[0])), .with_sender = state_in(octets(records[1])).health};
  for (const auto& record : records.subspan(history_size(0)))
    history.with_domains.push_back(state_in(octets(record)).health);
  return history;
}

}  // namespace

void add_history_keys(std::vector<std::string>& keys, std::string_view relay, std::string_view sender,
                      std::span<const std::string> domains) {
  keys.push_back(relay_key(relay));
  keys.push_back(sender_key(relay, sender));
  for (const std::string& domain : domains)
    keys.push_back(domain_key(relay, domain));
}

RelayHistory history_in(std::span<const std::string> records) {
  return history_of(records, [](const std::string& record) -> std::string_view { return record; });
}

RelayHistory history_in(std::span<const StateValue> values) {
  return history_of(values, [](const StateValue& value) -> std::string_view { return value.octets; });
}

void write_history(const RelayHistory& history, std::span<StateValue> values, WallTime now) {
  assert(values.size() == history_size(history.with_domains.size()));
  values[0] = value_of(history.relay, now);
  for (std::size_t i = 1; i < values.size(); ++i) {
    RelayState pair;
    pair.health = i == 1 ? history.with_sender : history.with_domains[i - history_size(0)];
    if (pair.health.stamp != kNever) values[i] = value_of(pair, now);
  }
}

RelayState state_in(const StateValue& value) { return state_in(std::string_view(value.octets)); }

StateValue value_of(const RelayState& state, WallTime now) {
  return {.octets = pack(state), .useful_until = useful_until(state, now)};
}

}  // namespace relaypipe
