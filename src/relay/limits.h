#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/position.h"
#include "base/wall_time.h"
#include "relay/address_pattern.h"

namespace relaypipe {

/// What a limit counts.
enum class Counted { Messages, Recipients };

/// Over which time.
enum class Period {
  Rolling,  ///< any span of `window`
  Hour,     ///< the clock's hour, and so on in `zone`
  Day,
  Week,  ///< from Monday (ISO 8601)
  Month,
};

/// `rate = "14/s"`, or one element of `quota = ["10000 recipients/24h", "500/day Europe/Berlin"]`.
struct LimitRule {
  /// Of attempts as they begin (a rate), not of acceptances (a quota). Short windows must not wait for attempts to end;
  /// long ones must agree with what the provider counts.
  bool is_rate = false;
  std::uint64_t count = 0;
  Counted counted = Counted::Messages;
  Period period = Period::Rolling;
  Span window{};     ///< of a rolling one
  std::string zone;  ///< IANA name, "UTC", or empty for the machine's own
  std::string text;  ///< as written
  Position at = {};  ///< where; no file where a provider publishes it

  [[nodiscard]] bool published() const { return at.file.empty(); }
};

/// `reserve = { percent = 10, for = ["@alerts.example.com"] }`: the last part of every quota is kept for some senders.
struct ReserveRule {
  std::uint64_t percent = 0;
  std::vector<AddressPattern> senders;

  /// What is kept of a quota of `count`, rounded up: ten percent of five is one.
  [[nodiscard]] std::uint64_t kept_of(std::uint64_t count) const { return (count * percent + 99) / 100; }
};

/// What a host may use of a limit that a fleet shares while the fleet's store does not answer, when its slice is used
/// up.
enum class WhenAway {
  Share,   ///< what was left at the last answer, or the whole limit in a window without one, divided by the known hosts
  Closed,  ///< nothing
  Open,    ///< what this host alone has left
};

/// How much may be sent over a relay. Nothing set: no limit.
struct Limits {
  std::vector<LimitRule> rules;   ///< the rate and the quotas
  std::uint64_t connections = 0;  ///< attempts at the same time, over all processes; 0: no limit
  ReserveRule reserve;
  std::optional<WhenAway> fleet = {};  ///< quotas are leased from a fleet's store; nothing: they are this host's alone

  [[nodiscard]] bool any() const { return !rules.empty() || connections != 0; }
};

}  // namespace relaypipe
