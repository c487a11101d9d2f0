#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "config/configuration.h"
#include "message/envelope.h"
#include "smtp/enhanced_status.h"

namespace relaypipe {

/// A request of Postfix's policy delegation protocol (SMTPD_POLICY_README), with the empty line that ends it: the
/// attributes in Postfix's names, as for a request at protocol state RCPT, and `relaypipe_nexthop`. Line ends and NUL
/// inside values become blanks.
std::string policy_request(const Envelope& envelope, std::string_view nexthop);

/// What a policy server decided.
struct UseChain {};  ///< DUNNO: the chain as it is
struct UseNexthop {
  std::string nexthop;
};  ///< the name of a chain, or a list of destinations
struct Stop {
  EnhancedStatus status;
  std::string text;
};  ///< DEFER (4.y.z) or REJECT (5.y.z)
using PolicyDecision = std::variant<UseChain, UseNexthop, Stop>;

/// Reads a whole answer, `action=…` and an empty line. OK means DUNNO. The error says what is wrong with it; the chain
/// is then used as it is.
Result<PolicyDecision, std::string> parse_policy_answer(std::string_view answer, const Configuration& configuration,
                                                        const ServicePort& service);

}  // namespace relaypipe
