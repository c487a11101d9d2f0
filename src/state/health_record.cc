#include "state/health_record.h"

#include <cmath>

#include "base/printable.h"
#include "state/health_event.h"
#include "state/stored_values.h"

namespace relaypipe {
namespace {

constexpr std::size_t kLongestWords = 300;

// The causes in every record of this room: these, those of changes and those of counters.
static_assert(numbered_in_order({Cause::Unknown, Cause::Network, Cause::Tls, Cause::Auth, Cause::Quota, Cause::Rate,
                                 Cause::Account, Cause::Policy, Cause::SenderNotAllowed, Cause::Size, Cause::Content,
                                 Cause::Mailbox, Cause::RelayingDenied},
                                kLastCause));

/// One that has no beginning stands for none.
void pack_outage(Packer& out, const Outage& outage) {
  pack_enum(out, outage.cause);
  for (const WallTime time : {outage.since, outage.failed, outage.until})
    out.time(time);
  out.number(outage.failures);
  out.number(outage.stamps.credentials);
  out.number(outage.stamps.settings);
  out.text(clip(outage.words, kLongestWords));
  out.number(outage.message ? 1 : 0);
  out.number(outage.message.value_or(0));
}

bool unpack_outage(Unpacker& in, std::optional<Outage>& found) {
  Outage outage;
  const auto cause = unpack_enum(in, kLastCause);
  if (!cause) return false;
  outage.cause = *cause;
  for (WallTime* const time : {&outage.since, &outage.failed, &outage.until})
    *time = in.time();
  outage.failures = in.small();
  outage.stamps.credentials = in.number();
  outage.stamps.settings = in.number();
  outage.words = printable(in.text());
  const bool in_transaction = in.number() != 0;
  const std::uint64_t message = in.number();
  if (in_transaction) outage.message = message;
  if (outage.since != kNever) found = std::move(outage);
  return in.fine();
}

void pack_doubts(Packer& out, const std::vector<Doubt>& doubts) {
  out.number(doubts.size());
  for (const Doubt& doubt : doubts) {
    out.number(doubt.of_domain ? 1 : 0);
    out.number(doubt.message);
    out.number(doubt.sender.value_or(0));
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
    if (const std::uint64_t sender = in.number(); sender != 0) doubt.sender = sender;
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

void pack_suspicion(Packer& out, const std::optional<Suspicion>& suspicion) {
  const Suspicion one = suspicion.value_or(Suspicion());
  out.number(one.attempts);
  out.time(one.since);
  out.time(one.last);
}

std::optional<Suspicion> unpack_suspicion(Unpacker& in) {
  Suspicion one;
  one.attempts = in.small();
  one.since = in.time();
  one.last = in.time();
  return one.attempts == 0 ? std::nullopt : std::optional(one);
}

bool plausible(const Health& health) {
  const Outage none;
  const Outage& outage = health.outage ? *health.outage : none;
  const Suspicion suspicion = health.suspicion.value_or(Suspicion());
  bool fine = true;
  for (const WallTime time : {health.stamp, outage.since, outage.failed, outage.until, suspicion.since, suspicion.last})
    fine = fine && is_plausible(time);
  for (const auto& time :
       {health.proved, health.suspended_until, health.reset, health.one_by_one_until, health.measured}) {
    fine = fine && is_plausible(time.value_or(kNever));
  }
  for (const Doubt& doubt : health.doubts)
    fine = fine && is_plausible(doubt.at);
  for (const Look& look : health.looks)
    fine = fine && is_plausible(look.since) && is_plausible(look.until);
  return fine;
}

}  // namespace

void pack(Packer& out, const Health& health) {
  out.time(health.stamp);
  const Outage none;
  pack_outage(out, health.outage ? *health.outage : none);
  pack_looks(out, health.looks);
  pack_suspicion(out, health.suspicion);
  pack_time(out, health.proved);
  pack_doubts(out, health.doubts);
  for (const auto& time : {health.suspended_until, health.reset, health.one_by_one_until, health.certificate_end})
    pack_time(out, time);
  out.number(health.offers_dsn ? 1 : 0);
  for (const Average* const average : {&health.ready, &health.accepted}) {
    out.real(average->value);
    out.number(average->samples);
  }
  pack_time(out, health.measured);
  out.number(health.successes);
  out.number(static_cast<std::uint64_t>(health.day));
  out.number(health.today);
}

bool unpack(Unpacker& in, Health& health) {
  health.stamp = in.time();
  if (!unpack_outage(in, health.outage)) return false;
  if (!unpack_looks(in, health.looks)) return false;
  health.suspicion = unpack_suspicion(in);
  health.proved = unpack_time(in);
  if (!unpack_doubts(in, health.doubts)) return false;
  for (auto* const time : {&health.suspended_until, &health.reset, &health.one_by_one_until, &health.certificate_end})
    *time = unpack_time(in);
  health.offers_dsn = in.number() != 0;
  for (Average* const average : {&health.ready, &health.accepted}) {
    average->value = in.real();
    average->samples = in.small();
    if (!std::isfinite(average->value) || average->value < 0 || average->value > 1e12) return false;
  }
  health.measured = unpack_time(in);
  health.successes = in.number();
  health.day = static_cast<std::int64_t>(in.number());
  health.today = in.number();
  return in.fine() && plausible(health);
}

}  // namespace relaypipe
