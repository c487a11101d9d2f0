#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "postfix/finding.h"
#include "postfix/judge_entry.h"
#include "postfix/master.h"
#include "postfix/text.h"

namespace relaypipe {

/// The parameters of lmtp(8) and its queue manager that matter for messages handed to us by LMTP.
std::vector<std::string> lmtp_parameters();

/// What holds for a spawn(8) service and does not stand in its line of master.cf.
struct LmtpFacts {
  std::string postconf = "postconf";  ///< as a person would call it, with `-c DIRECTORY` where one was named
  std::uint64_t compatibility = 0;    ///< the major number of compatibility_level
  Duration deadline{};                ///< of a delivery by this service: configuration and argv
  std::string time_limit;             ///< of a process, as spawn(8) has it
  std::string process_limit;          ///< default_process_limit
  std::vector<PostfixPair> client;    ///< lmtp_parameters() with the values that the client's service uses
  std::optional<PipeUser> user;       ///< nothing where the machine has no such user or group
  std::optional<PostfixOwner> owner;  ///< nothing where the machine has none
};

/// What is wrong with a spawn(8) service that runs `relaypipe lmtp`, and with the lmtp(8) in front of it.
std::vector<PostfixFinding> judge_lmtp_service(const MasterService& service, const PipeCommand& command,
                                               const LmtpFacts& facts);

}  // namespace relaypipe
