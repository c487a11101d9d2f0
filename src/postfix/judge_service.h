#pragma once

#include <string>
#include <vector>

#include "postfix/finding.h"
#include "postfix/judge_entry.h"
#include "postfix/master.h"

namespace relaypipe {

/// What holds for a pipe(8) service and does not stand in its line of master.cf.
struct ServiceFacts : EntryFacts {
  std::string recipient_limit;         ///< the value that qmgr(8) uses
  std::string recipient_limit_holder;  ///< the service whose `-o` says so, or empty for main.cf
  bool header_relays = false;          ///< relays want all recipients of a message in one request (HeaderRelays::any)
  std::string header_chain;            ///< HeaderRelays::chain
  std::string filter;                  ///< pipe_delivery_status_filter that holds, as written; empty: none
  bool failures_deferred = false;      ///< that filter turns the deaths of the program into deferrals
};

/// What is wrong with a pipe(8) service that runs relaypipe: columns, attributes, argv, limits, user. The lines that
/// fix the command fix all of it, whichever of them is used, and in any order.
std::vector<PostfixFinding> judge_service(const MasterService& service, const PipeCommand& command,
                                          const ServiceFacts& facts);

}  // namespace relaypipe
