#include "state/state_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/hash.h"
#include "base/packed.h"
#include "base/printable.h"
#include "state/stored_values.h"

namespace relaypipe {
namespace {

constexpr std::uint64_t kVersion = 3;
constexpr std::size_t kLongestWords = 300;
constexpr std::size_t kLongestName = 200;
constexpr std::size_t kLongestAddress = 64;
/// What counts against a quota, which may be one of a month, and what somebody may still ask about.
constexpr Span kKept = std::chrono::days(35);
/// A relay that is well and has no limits has only its averages. With the recipients' domains for nexthops there may be
/// very many such relays.
constexpr Span kKeptWell = std::chrono::days(2);

// The causes in every record of this room: these, those of changes and those of counters.
static_assert(numbered_in_order({Cause::Unknown, Cause::Network, Cause::Tls, Cause::Auth, Cause::Quota, Cause::Rate,
                                 Cause::Account, Cause::Policy, Cause::SenderNotAllowed, Cause::Size, Cause::Content,
                                 Cause::Mailbox, Cause::RelayingDenied},
                                kLastCause));

void pack_doubts(Packer& out, const std::vector<Doubt>& doubts) {
  out.number(doubts.size());
  for (const Doubt& doubt : doubts) {
    out.number(doubt.of_domain ? 1 : 0);
    out.number(doubt.message);
    out.number(doubt.sender);
    out.time(doubt.at);
  }
}

bool unpack_doubts(Unpacker& in, std::vector<Doubt>& doubts) {
  const std::size_t count = in.count();
  if (count > 2 * kDoubts) return false;
  for (std::size_t i = 0; i < count && in.fine(); ++i) {
    Doubt doubt;
    doubt.of_domain = in.number() != 0;
    doubt.message = in.number();
    doubt.sender = in.number();
    doubt.at = in.time();
    doubts.push_back(doubt);
  }
  return in.fine();
}

void pack_looks(Packer& out, const std::vector<Look>& looks) {
  out.number(looks.size());
  for (const Look& look : looks) {
    out.owner(look.owner);
    out.time(look.since);
    out.time(look.until);
  }
}

bool unpack_looks(Unpacker& in, std::vector<Look>& looks) {
  looks.resize(in.count());
  for (Look& look : looks) {
    look.owner = in.owner();
    look.since = in.time();
    look.until = in.time();
  }
  return in.fine();
}

void pack_health(Packer& out, const Health& health) {
  out.time(health.stamp);
  pack_enum(out, health.cause);
  for (const WallTime time : {health.since, health.failed, health.until})
    out.time(time);
  out.number(health.failures);
  out.number(health.stamps.credentials);
  out.number(health.stamps.settings);
  out.text(clip(health.words, kLongestWords));
  out.number(health.in_transaction ? 1 : 0);
  out.number(health.message);
  pack_looks(out, health.looks);
  out.number(health.suspicions);
  for (const WallTime time : {health.suspected_since, health.suspected, health.proved})
    out.time(time);
  pack_doubts(out, health.doubts);
  out.time(health.suspended_until);
  out.time(health.reset);
  out.time(health.one_by_one_until);
  out.time(health.certificate_end);
  for (const Average* const average : {&health.ready, &health.accepted}) {
    out.real(average->value);
    out.number(average->samples);
  }
  out.time(health.measured);
  out.number(health.successes);
  out.number(static_cast<std::uint64_t>(health.day));
  out.number(health.today);
}

bool unpack_health(Unpacker& in, Health& health) {
  health.stamp = in.time();
  const auto cause = unpack_enum(in, kLastCause);
  if (!cause) return false;
  health.cause = *cause;
  for (WallTime* const time : {&health.since, &health.failed, &health.until})
    *time = in.time();
  health.failures = in.small();
  health.stamps.credentials = in.number();
  health.stamps.settings = in.number();
  health.words = printable(in.text());
  health.in_transaction = in.number() != 0;
  health.message = in.number();
  if (!unpack_looks(in, health.looks)) return false;
  health.suspicions = in.small();
  for (WallTime* const time : {&health.suspected_since, &health.suspected, &health.proved})
    *time = in.time();
  if (!unpack_doubts(in, health.doubts)) return false;
  health.suspended_until = in.time();
  health.reset = in.time();
  health.one_by_one_until = in.time();
  health.certificate_end = in.time();
  for (Average* const average : {&health.ready, &health.accepted}) {
    average->value = in.real();
    average->samples = in.small();
    if (!std::isfinite(average->value) || average->value < 0 || average->value > 1e12) return false;
  }
  health.measured = in.time();
  health.successes = in.number();
  health.day = static_cast<std::int64_t>(in.number());
  health.today = in.number();
  return in.fine();
}

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
  }
  return in.fine();
}

/// Times far from any real one would overflow when something is added to them.
bool plausible(WallTime time) { return time >= kNever && time < WallTime(std::chrono::days(365 * 500)); }

bool plausible(const Health& health) {
  bool fine = true;
  for (const WallTime time : {health.stamp, health.since, health.failed, health.until, health.suspected_since,
                              health.suspected, health.proved, health.suspended_until, health.reset, health.measured}) {
    fine = fine && plausible(time);
  }
  for (const Doubt& doubt : health.doubts)
    fine = fine && plausible(doubt.at);
  for (const Look& look : health.looks)
    fine = fine && plausible(look.since) && plausible(look.until);
  return fine;
}

bool plausible(const Allowance& allowance) {
  bool fine = plausible(allowance.stamp);
  for (const Used& used : allowance.used) {
    for (const Count& count : used.counts)
      fine = fine && plausible(count.at) && count.amount < UINT64_MAX / 1024;
    fine = fine && used.in_period < UINT64_MAX / 2;
  }
  for (const Hold& hold : allowance.holds)
    fine = fine && plausible(hold.at) && plausible(hold.until) && hold.recipients < UINT64_MAX / 1024;
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
    pack_health(out, endpoint.health);
  }
}

bool unpack_endpoints(Unpacker& in, std::vector<EndpointState>& endpoints) {
  const std::size_t count = in.count();
  if (count > kEndpoints) return false;
  for (std::size_t i = 0; i < count && in.fine(); ++i) {
    EndpointState endpoint;
    endpoint.address = printable(in.text());
    if (!unpack_health(in, endpoint.health) || !plausible(endpoint.health)) return false;
    endpoints.push_back(std::move(endpoint));
  }
  return in.fine();
}

}  // namespace

std::string pack(const RelayState& state) {
  Packer out;
  out.number(kVersion);
  pack_health(out, state.health);
  pack_allowance(out, state.allowance);
  pack_endpoints(out, state.endpoints);
  return out.take();
}

std::optional<RelayState> unpack(std::string_view octets) {
  Unpacker in(octets);
  if (in.number() != kVersion) return std::nullopt;
  RelayState state;
  if (!unpack_health(in, state.health) || !unpack_allowance(in, state.allowance)) return std::nullopt;
  if (!unpack_endpoints(in, state.endpoints) || !in.done()) return std::nullopt;
  if (!plausible(state.health) || !plausible(state.allowance)) return std::nullopt;
  return state;
}

WallTime useful_until(const RelayState& state, WallTime now) {
  const bool plain = state.health.since == kNever && state.allowance.used.empty();
  return std::max({now + (plain ? kKeptWell : kKept), state.health.until + kKept, state.health.suspended_until});
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
