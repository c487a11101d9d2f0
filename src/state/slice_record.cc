#include "state/slice_record.h"

#include "state/stored_values.h"

namespace relaypipe {
namespace {

constexpr std::uint64_t kMostAmount = UINT64_MAX / 1024;

constexpr FleetShare::Telling kLastTelling = FleetShare::Telling::Hint;
static_assert(numbered_in_order({FleetShare::Telling::Nothing, FleetShare::Telling::Outage, FleetShare::Telling::Hint},
                                kLastTelling));

void pack_one(Packer& out, const Slice& slice) {
  out.number(slice.rule);
  out.number(static_cast<std::uint64_t>(slice.index));
  for (const std::uint64_t number : {slice.life, slice.epoch, slice.spent, slice.granted, slice.urgent, slice.told,
                                     slice.fleet, slice.size, slice.recent.now, slice.recent.before})
    out.number(number);
  out.number(static_cast<std::uint64_t>(slice.recent.minute));
  out.number((slice.dry_for_urgent ? 1U : 0U) | (slice.learning ? 2U : 0U));
  for (const WallTime time : {slice.until, slice.renew, slice.answered, slice.dry_until})
    out.time(time);
}

bool unpack_one(Unpacker& in, Slice& slice) {
  slice.rule = in.number();
  slice.index = static_cast<std::int64_t>(in.number());
  slice.life = in.number();
  slice.epoch = in.number();
  bool fine = true;
  for (std::uint64_t* const amount : {&slice.spent, &slice.granted, &slice.urgent, &slice.told, &slice.fleet,
                                      &slice.size, &slice.recent.now, &slice.recent.before}) {
    *amount = in.number();
    fine = fine && *amount < kMostAmount;
  }
  slice.recent.minute = static_cast<std::int64_t>(in.number());
  const std::uint64_t marks = in.number();
  slice.dry_for_urgent = (marks & 1U) != 0;
  slice.learning = (marks & 2U) != 0;
  for (WallTime* const time : {&slice.until, &slice.renew, &slice.answered, &slice.dry_until}) {
    *time = in.time();
    fine = fine && is_plausible(*time);
  }
  return fine && slice.urgent <= slice.granted && slice.told <= slice.spent && in.fine();
}

}  // namespace

void pack(Packer& out, const FleetShare& share) {
  out.number(share.hosts);
  out.number(static_cast<std::uint64_t>(share.ahead.count()));
  for (const WallTime time : {share.answered, share.failed, share.started, share.asking_until, share.told})
    out.time(time);
  for (const std::uint64_t number : {share.sequence, share.suspension, share.outage, share.hint})
    out.number(number);
  out.number(share.outage_taken ? 1 : 0);
  pack_enum(out, share.telling);
  out.number(share.slices.size());
  for (const Slice& slice : share.slices)
    pack_one(out, slice);
}

bool unpack(Unpacker& in, FleetShare& share) {
  share.hosts = in.number();
  share.ahead = Span(static_cast<std::int64_t>(in.number()));
  bool fine = share.hosts < kMostAmount && share.ahead <= kMostAhead && share.ahead >= -kMostAhead;
  for (WallTime* const time : {&share.answered, &share.failed, &share.started, &share.asking_until, &share.told}) {
    *time = in.time();
    fine = fine && is_plausible(*time);
  }
  for (std::uint64_t* const number : {&share.sequence, &share.suspension, &share.outage, &share.hint})
    *number = in.number();
  share.outage_taken = in.number() != 0;
  const auto telling = unpack_enum(in, kLastTelling);
  if (!telling) return false;
  share.telling = *telling;
  share.slices.resize(in.count());
  for (Slice& slice : share.slices)
    fine = unpack_one(in, slice) && fine;
  return fine && in.fine();
}

}  // namespace relaypipe
