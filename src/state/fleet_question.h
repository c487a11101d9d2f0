#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "state/quota.h"

namespace relaypipe {

/// What a host asks the fleet's store about one limit of a relay: it tells what it has used, gives back what it does
/// not need, and asks for more. The store answers by the script in io/fleet/scripts.cc, which has the arithmetic.
struct SliceQuestion {
  std::string window;  ///< names the limit, and with a calendar which window: a part of the key
  std::uint64_t rule = 0;
  std::int64_t index = 0;
  std::uint64_t life = 0;
  std::uint64_t sequence = 0;
  std::uint64_t epoch = 0;
  std::uint64_t spent = 0;
  std::uint64_t granted = 0;
  std::uint64_t untold = 0;  ///< of `spent`, what the store has not acknowledged
  std::uint64_t fleet = 0;   ///< what all hosts have used, as far as this one knows: for a store that has lost it
  std::uint64_t need = 0;    ///< less than that is of no use
  std::uint64_t want = 0;
  bool urgent = false;      ///< the need may be met from what `reserve` keeps
  std::uint64_t quota = 0;  ///< 0, of a rate: only whether we are there is told
  std::uint64_t kept = 0;
  Span span{};  ///< of a rolling window; 0: of a calendar
  Span life_of_slice{};
};

/// How a window is named in the store's keys: by its limit, and with a calendar by which window it is.
std::string slice_window(std::uint64_t rule, std::int64_t index);

/// What the store answers.
struct SliceReply {
  bool stale = false;     ///< a later question was answered already: this one says nothing
  bool learning = false;  ///< it has lost what it knew, and grants nothing until all hosts had time to tell it
  std::uint64_t epoch = 0;
  std::uint64_t granted = 0;
  std::uint64_t urgent = 0;  ///< of what was granted now
  std::uint64_t fleet = 0;
  std::uint64_t hosts = 0;
  WallTime now;    ///< by the store's clock
  Span free_in{};  ///< until something leaves the window; 0: not known
};

/// What a delivery needs, where one waits for the answer.
struct SliceNeed {
  std::uint64_t recipients = 0;
  bool urgent = false;
};

/// The questions about all limits of a relay, and the local state as it is once they are asked: what is given back is
/// not used from here on. `allowance` is settled, without the holds of the dead.
std::vector<SliceQuestion> slice_questions(Allowance& allowance, const Limits& limits,
                                           const std::optional<SliceNeed>& need, WallTime now, const ZoneOffset& zones,
                                           Random& random);

/// Takes over the answers, one for each question. `sent`: when they were sent, by our clock.
void apply_replies(Allowance& allowance, std::span<const SliceQuestion> questions, std::span<const SliceReply> replies,
                   WallTime sent, WallTime now);

}  // namespace relaypipe
