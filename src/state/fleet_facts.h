#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "relay/relay_settings.h"
#include "relay/reply_rule.h"
#include "state/change.h"
#include "state/state_record.h"

namespace relaypipe {

/// What a host tells the others of a relay. Spans stand in the place of times, since clocks differ.
struct FleetFact {
  enum class Kind {
    Suspension,  ///< the administrator's word
    Outage,      ///< credentials refused, quota exhausted, account suspended: of the account, so it holds for all
    Hint,        ///< not reached from there: others may reach it. Its end lets the others look earlier
  } kind = Kind::Hint;
  std::uint64_t at = 0;  ///< the store's time of it in ms, which tells it from others; 0: not told yet
  Span left{};           ///< how long it lasts from now on; zero: it is over; kForever: until somebody ends it
  std::string host;      ///< who tells it
  Cause cause = Cause::Unknown;
  std::string words;  ///< printable

  static constexpr Span kForever = Span::max();
};

/// `suspension`, `outage`, `hint`: the names in the store.
std::string_view fact_name(FleetFact::Kind kind);
std::optional<FleetFact::Kind> find_fact(std::string_view name);

/// What this host has to tell that it has not told yet.
std::optional<FleetFact> fact_to_tell(const RelayState& state, WallTime now);
/// Notes that a fact was told.
void note_told(RelayState& state, const FleetFact& fact);

/// Takes over what others have told, but what `self` did. The changes of the relay, for the log.
std::vector<Change> apply_facts(RelayState& state, std::span<const FleetFact> facts, std::string_view relay,
                                std::string_view self, const Stamps& stamps, const CoolDown& bounds, WallTime now);

}  // namespace relaypipe
