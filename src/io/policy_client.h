#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/deadline.h"
#include "base/result.h"

namespace relaypipe {

/// Asks a policy server one question and returns its whole answer, up to and with the empty line. `endpoint` is
/// `unix:PATH` or `inet:ADDRESS:PORT` (ADDRESS an IP address or `localhost`: a name would have to be looked up first).
/// The whole exchange ends within `limit`; the error is a short phrase.
Result<std::string, std::string> ask_policy(std::string_view endpoint, std::string_view request, Duration limit,
                                            const Clock& clock);

}  // namespace relaypipe
