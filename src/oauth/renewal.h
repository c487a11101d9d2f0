#pragma once

#include "oauth/token_record.h"

namespace relaypipe {

/// How an access token stands with the clock.
enum class TokenAge {
  Fresh,  ///< used as it is
  Due,    ///< renewed, and still good where that fails
  Ended,  ///< no use any more; also when there is none
};

/// A token is renewed while it has this much left. Some servers refuse a token in its last ten minutes; the eleventh is
/// for the way there. One that lives shorter than twice this is renewed at half its life.
constexpr std::chrono::seconds kRenewalMargin{11L * 60};

/// After a renewal that failed nobody asks for this long, so that a queue full of mail does not become a flood at an
/// endpoint that is not well.
constexpr std::chrono::seconds kFailurePause{30};

/// A relay that refuses even the token that replaced a refused one gets no third within this time.
constexpr std::chrono::seconds kRefusalPause{300};

/// `now` may be any time: a clock that went back behind the day the token was given makes it Due, because how long it
/// has left is unknown then.
TokenAge token_age(const TokenRecord& record, TokenTime now);

/// What is done about a token that is asked for.
enum class TokenStep {
  Use,    ///< it is good, or as good as can be had
  Renew,  ///< a new one is fetched
  Fail,   ///< there is none, and the endpoint is not asked again so soon
};

/// `refused`: a relay refused this very token.
TokenStep next_step(const TokenRecord& record, TokenTime now, bool refused);

/// Whether the last renewal failed so recently that another is not tried.
bool pausing(const TokenRecord& record, TokenTime now);

/// Whether a refusal of this record's token is worth another one.
bool worth_replacing(const TokenRecord& record, TokenTime now);

}  // namespace relaypipe
