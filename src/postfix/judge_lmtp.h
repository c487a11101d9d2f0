#pragma once

#include <string>
#include <vector>

#include "base/deadline.h"
#include "postfix/finding.h"
#include "postfix/judge_entry.h"
#include "postfix/master.h"
#include "postfix/text.h"

namespace relaypipe {

/// The parameters that matter of lmtp(8), and of the queue manager for it, where the service of lmtp(8) has this name.
std::vector<std::string> lmtp_parameters(const std::string& client);

/// What holds for a spawn(8) service that runs us, and for the service of lmtp(8) whose messages it gets.
struct LmtpFacts : EntryFacts {
  Duration longest_use{};            ///< for so long a process takes messages
  std::string process_limit;         ///< default_process_limit
  std::string client = "lmtp";       ///< the service of lmtp(8)
  std::vector<PostfixPair> values;   ///< lmtp_parameters() as they hold for it
  std::vector<PostfixPair> holders;  ///< those that are set for one service, and that service: `postconf -P`
};

/// What is wrong with a spawn(8) service that runs `relaypipe lmtp`, and with the lmtp(8) in front of it. The lines
/// that fix the command fix all of it.
std::vector<PostfixFinding> judge_lmtp_service(const MasterService& service, const PipeCommand& command,
                                               const LmtpFacts& facts);

}  // namespace relaypipe
