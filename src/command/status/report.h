#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/owner.h"
#include "config/configuration.h"
#include "state/calendar.h"
#include "state/counters.h"
#include "state/health.h"
#include "state/message_record.h"
#include "state/store.h"

namespace relaypipe {

/// How much of one limit is used.
struct LimitUse {
  std::string text;  ///< as written: `10000 recipients/24h`
  bool is_rate = false;
  std::uint64_t used = 0;
  std::uint64_t count = 0;
  std::uint64_t kept = 0;  ///< of `count`, for the senders of `reserve`

  /// Whether what is left of it is only for those.
  [[nodiscard]] bool down_to_reserve() const { return kept != 0 && used < count && used + kept >= count; }
};

/// What this host may use of a quota of its fleet, by the last answer of the fleet's store.
struct SliceUse {
  std::string text;         ///< of the quota, as written
  std::uint64_t left = 0;   ///< here
  std::uint64_t fleet = 0;  ///< used by or granted to all hosts
  std::uint64_t count = 0;  ///< the quota
  WallTime until = kNever;  ///< what is left may be used until then
};

/// How the fleet's store is for this host.
struct StoreStatus {
  std::string url;
  bool answers = false;
  bool asked = false;       ///< ever
  WallTime since = kNever;  ///< since when it does not answer
  std::string words;        ///< why
};

/// One relay as all deliveries see it.
struct RelayStatus {
  std::string name;
  std::string destination;  ///< empty where it is not in the configuration
  std::string provider;     ///< empty: none that is known
  bool https = false;
  bool gone = false;  ///< the name of a relay that the configuration does not have any more
  Health health;
  Standing standing;
  std::vector<LimitUse> limits;
  std::vector<SliceUse> slices;
  std::uint64_t hosts = 0;                ///< of the fleet, that use the relay; 0: not known
  std::uint64_t open = 0;                 ///< deliveries that use it now
  std::uint64_t connections = 0;          ///< at most; 0: no limit
  std::uint64_t today = 0;                ///< messages accepted since midnight UTC
  std::vector<std::string> cooling_down;  ///< endpoints that failed lately
};

/// When a relay has to be given a new token by hand, or its access token ends.
struct TokenEnd {
  std::string relay;
  bool refresh = false;  ///< the refresh token; else the access token, which deliveries renew by themselves
  WallTime ends = kNever;
};

struct StatusReport {
  WallTime now;
  std::vector<const ChainConfig*> chains;
  std::vector<RelayStatus> relays;  ///< those of the configuration by name, then others that deliveries met
  std::vector<MessageState> unconfirmed;
  Counters counters;
  std::vector<TokenEnd> tokens;
  std::optional<StoreStatus> store;  ///< of the fleet, where there is one
  std::string trouble;               ///< of the store; empty: none
};

/// Reads everything that is remembered and says what it means at `now`. The configuration outlives the report.
StatusReport make_report(const Configuration& configuration, StateStore& store, WallTime now, const Alive& alive,
                         const ZoneOffset& zones);

/// `well`, `slow start`... the word for a relay's state: up, cooling-down, due, probing, suspended or unknown.
std::string_view standing_name(const RelayStatus& relay);

/// One screen for a person. `colour`: for a terminal that has some.
std::string status_table(const StatusReport& report, bool colour);
/// relaypipe-json(5).
std::string status_json(const StatusReport& report);
/// The text format of Prometheus, for the node exporter's textfile collector.
std::string status_prometheus(const StatusReport& report);

}  // namespace relaypipe
