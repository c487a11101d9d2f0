#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command/wiring/arguments.h"

namespace relaypipe {

/// The command line of `status`, `suspend`, `resume`, `reset` and `log`; each uses what it needs.
struct StateArguments : CommonArguments {
  std::string relay;                    ///< of suspend and resume
  std::vector<std::string> relays;      ///< of reset; none: all
  std::optional<std::string> span;      ///< suspend --for
  std::optional<std::string> count;     ///< log -n
  std::optional<std::string> format;    ///< status --format
  std::optional<std::string> interval;  ///< status --interval: seconds from one look to the next
  bool watch = false;                   ///< status --watch: every two seconds
  bool quota = false;                   ///< reset --quota
  bool json = false;
};

Result<StateArguments, NoArguments> parse_status_arguments(const std::vector<std::string>& words);
Result<StateArguments, NoArguments> parse_suspend_arguments(const std::vector<std::string>& words);
Result<StateArguments, NoArguments> parse_resume_arguments(const std::vector<std::string>& words);
Result<StateArguments, NoArguments> parse_reset_arguments(const std::vector<std::string>& words);
Result<StateArguments, NoArguments> parse_log_arguments(const std::vector<std::string>& words);

}  // namespace relaypipe
