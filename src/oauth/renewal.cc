#include "oauth/renewal.h"

#include <algorithm>

namespace relaypipe {
namespace {

/// Two clocks of one machine, read one after the other, and time servers that put it right.
constexpr std::chrono::seconds kClockSlack{60};

bool within(TokenTime since, std::chrono::seconds span, TokenTime now) {
  return since != TokenTime() && now >= since && now - since < span;
}

}  // namespace

TokenAge token_age(const TokenRecord& record, TokenTime now) {
  if (record.access_token.empty() || now >= record.ends) return TokenAge::Ended;
  if (now + kClockSlack < record.obtained) return TokenAge::Due;
  const auto margin = std::min<std::chrono::seconds>(kRenewalMargin, (record.ends - record.obtained) / 2);
  return record.ends - now > margin ? TokenAge::Fresh : TokenAge::Due;
}

TokenStep next_step(const TokenRecord& record, TokenTime now, bool refused) {
  if (refused) return pausing(record, now) || !worth_replacing(record, now) ? TokenStep::Fail : TokenStep::Renew;
  switch (token_age(record, now)) {
    case TokenAge::Fresh: return TokenStep::Use;
    case TokenAge::Due: return pausing(record, now) ? TokenStep::Use : TokenStep::Renew;
    case TokenAge::Ended: break;
  }
  return pausing(record, now) ? TokenStep::Fail : TokenStep::Renew;
}

bool pausing(const TokenRecord& record, TokenTime now) { return within(record.failed, kFailurePause, now); }

bool worth_replacing(const TokenRecord& record, TokenTime now) {
  return !record.after_refusal || !within(record.obtained, kRefusalPause, now);
}

}  // namespace relaypipe
