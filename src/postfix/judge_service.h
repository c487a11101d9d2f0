#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "postfix/finding.h"
#include "postfix/judge_entry.h"
#include "postfix/master.h"

namespace relaypipe {

/// What holds for a service and does not stand in its line of master.cf.
struct ServiceFacts {
  std::string postconf = "postconf";   ///< as a person would call it, with `-c DIRECTORY` where one was named
  std::uint64_t compatibility = 0;     ///< the major number of compatibility_level
  Duration deadline{};                 ///< of a delivery by this service: configuration and argv
  std::string recipient_limit;         ///< the value that qmgr(8) uses
  std::string recipient_limit_holder;  ///< the service whose `-o` says so, or empty for main.cf
  std::string time_limit;              ///< the value that pipe(8) uses
  std::string filter;                  ///< pipe_delivery_status_filter that holds, as written; empty: none
  bool failures_deferred = false;      ///< that filter turns the deaths of the program into deferrals
  std::vector<PostfixPair> misplaced;  ///< settings of relaypipe among the `-o` of the service itself
  std::string ehlo_name;               ///< ours, where it is the machine's and none is configured; empty: no question
  std::string postfix_name;            ///< what smtp(8) says in EHLO
  std::optional<PipeUser> user;        ///< nothing where the machine has no such user or group
  std::optional<PostfixOwner> owner;   ///< nothing where the machine has none
};

/// What is wrong with a pipe(8) service that runs relaypipe: columns, attributes, argv, limits, user. The lines that
/// fix the command fix all of it, whichever of them is used, and in any order.
std::vector<PostfixFinding> judge_service(const MasterService& service, const PipeCommand& command,
                                          const ServiceFacts& facts);

}  // namespace relaypipe
