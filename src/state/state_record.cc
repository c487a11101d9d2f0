#include "state/state_record.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/packed.h"
#include "base/printable.h"
#include "state/health_record.h"
#include "state/slice_record.h"
#include "state/stored_values.h"

namespace relaypipe {
namespace {

constexpr std::uint64_t kVersion = 5;
constexpr std::size_t kLongestName = 200;
constexpr std::size_t kLongestAddress = 64;
/// What counts against a quota, which may be one of a month, and what somebody may still ask about.
constexpr Span kKept = std::chrono::days(35);
/// A relay that is well and has no limits has only its averages. With the recipients' domains for nexthops there may be
/// very many such relays.
constexpr Span kKeptWell = std::chrono::days(2);

void pack_allowance(Packer& out, const Allowance& allowance) {
  out.time(allowance.stamp);
  out.number(allowance.used.size());
  for (const Used& used : allowance.used) {
    out.number(used.rule);
    out.number(static_cast<std::uint64_t>(used.index));
    out.number(used.in_period);
    out.number(used.counts.size());
    // Each time as what it is later than the one before: two octets instead of six.
    WallTime last = kNever;
    for (const Count& count : used.counts) {
      out.number(static_cast<std::uint64_t>((count.at - last).count()));
      out.number(count.amount);
      last = count.at;
    }
  }
  out.number(allowance.holds.size());
  for (const Hold& hold : allowance.holds) {
    out.owner(hold.owner);
    out.time(hold.at);
    out.time(hold.until);
    out.number(hold.recipients);
    out.number((hold.idle ? 1U : 0U) | (hold.wanted ? 2U : 0U));
  }
}

bool unpack_allowance(Unpacker& in, Allowance& allowance) {
  allowance.stamp = in.time();
  allowance.used.resize(in.count());
  for (Used& used : allowance.used) {
    used.rule = in.number();
    used.index = static_cast<std::int64_t>(in.number());
    used.in_period = in.number();
    used.counts.resize(in.count());
    WallTime last = kNever;
    for (Count& count : used.counts) {
      // Unsigned, since foreign numbers may have any size.
      const auto ms = static_cast<std::uint64_t>(last.time_since_epoch().count()) + in.number();
      count.at = last = WallTime(Span(static_cast<std::int64_t>(ms)));
      count.amount = in.number();
    }
  }
  allowance.holds.resize(in.count());
  for (Hold& hold : allowance.holds) {
    hold.owner = in.owner();
    hold.at = in.time();
    hold.until = in.time();
    hold.recipients = in.number();
    const std::uint64_t marks = in.number();
    hold.idle = (marks & 1U) != 0;
    hold.wanted = (marks & 2U) != 0;
  }
  return in.fine();
}

bool plausible(const Allowance& allowance) {
  bool fine = is_plausible(allowance.stamp);
  for (const Used& used : allowance.used) {
    for (const Count& count : used.counts)
      fine = fine && is_plausible(count.at) && count.amount < UINT64_MAX / 1024;
    fine = fine && used.in_period < UINT64_MAX / 2;
  }
  for (const Hold& hold : allowance.holds)
    fine = fine && is_plausible(hold.at) && is_plausible(hold.until) && hold.recipients < UINT64_MAX / 1024;
  return fine;
}

/// A name that fits into a key together with a prefix and an address.
std::string short_name(std::string_view name) {
  if (name.size() <= kLongestName) return std::string(name);
  return fmt::format("{}#{:016x}", name.substr(0, kLongestName), hash_octets(name));
}

void pack_endpoints(Packer& out, const std::vector<EndpointState>& endpoints) {
  out.number(endpoints.size());
  for (const EndpointState& endpoint : endpoints) {
    out.text(clip(endpoint.address, kLongestAddress));
    pack(out, endpoint.health);
  }
}

bool unpack_endpoints(Unpacker& in, std::vector<EndpointState>& endpoints) {
  const std::size_t count = in.count();
  if (count > kEndpoints) return false;
  for (std::size_t i = 0; i < count && in.fine(); ++i) {
    EndpointState endpoint;
    endpoint.address = printable(in.text());
    if (!unpack(in, endpoint.health)) return false;
    endpoints.push_back(std::move(endpoint));
  }
  return in.fine();
}

}  // namespace

WallTime settle(RelayState& state, const Limits& limits, WallTime now, const ZoneOffset& zones, const Alive& alive) {
  now = std::max(settle(state.health, now), settle(state.allowance, limits, now, zones));
  drop_dead(state.allowance, now, alive);
  return now;
}

std::string pack(const RelayState& state) {
  Packer out;
  out.number(kVersion);
  pack(out, state.health);
  pack_allowance(out, state.allowance);
  pack_endpoints(out, state.endpoints);
  // Only where there is a fleet: nobody else pays for it.
  if (state.allowance.fleet.any()) pack(out, state.allowance.fleet);
  return out.take();
}

std::optional<RelayState> unpack(std::string_view octets) {
  Unpacker in(octets);
  if (in.number() != kVersion) return std::nullopt;
  RelayState state;
  if (!unpack(in, state.health) || !unpack_allowance(in, state.allowance)) return std::nullopt;
  if (!unpack_endpoints(in, state.endpoints)) return std::nullopt;
  if (!in.done() && !(unpack(in, state.allowance.fleet) && in.done())) return std::nullopt;
  if (!plausible(state.allowance)) return std::nullopt;
  return state;
}

WallTime useful_until(const RelayState& state, WallTime now) {
  const Health& health = state.health;
  const bool plain = !health.outage && state.allowance.used.empty();
  return std::max({now + (plain ? kKeptWell : kKept), health.outage ? health.outage->until + kKept : kNever,
                   health.suspended_until.value_or(kNever)});
}

Health& endpoint_health(RelayState& state, std::string_view address) {
  std::vector<EndpointState>& endpoints = state.endpoints;
  const auto found =
      std::find_if(endpoints.begin(), endpoints.end(), [&](const EndpointState& e) { return e.address == address; });
  if (found != endpoints.end()) return found->health;
  if (endpoints.size() >= kEndpoints) {
    endpoints.erase(std::min_element(endpoints.begin(), endpoints.end(),
                                     [](const auto& a, const auto& b) { return a.health.stamp < b.health.stamp; }));
  }
  endpoints.push_back({std::string(address), {}});
  return endpoints.back().health;
}

std::string relay_key(std::string_view relay) { return std::string(kRelayKeys) + short_name(relay); }

std::string domain_key(std::string_view relay, std::string_view domain) {
  return fmt::format("domain/{}/{:016x}", short_name(relay), hash_octets(domain));
}

std::string sender_key(std::string_view relay, std::string_view sender) {
  return fmt::format("sender/{}/{:016x}", short_name(relay), hash_octets(sender));
}

}  // namespace relaypipe
