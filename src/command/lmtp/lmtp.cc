#include "command/lmtp/lmtp.h"

#include <unistd.h>

#include "command/lmtp/session.h"
#include "io/system/standard_streams.h"

namespace relaypipe {
namespace {

struct LmtpArguments {
  CommonArguments common;
  std::optional<std::string> nexthop;
};

void declare(Options& options, LmtpArguments& arguments) {
  options.value("--nexthop", arguments.nexthop, "the chain or the destinations of all messages", "CHAIN");
  options.common(arguments.common);
}

std::optional<NoArguments> parse(const Command& command, const std::vector<std::string>& words,
                                 LmtpArguments& arguments) {
  Options options("relaypipe " + std::string(command.name), std::string(command.about));
  declare(options, arguments);
  return options.parse(words);
}

/// A mistake on the command line defers what comes: Postfix reads our replies, and would throttle a service that does
/// not greet it. A person at a terminal reads it at once.
int start_lmtp(const Command& command, const std::vector<std::string>& words) {
  LmtpArguments arguments;
  const auto none = parse(command, words, arguments);
  if (none && (none->asked || !stdout_is_socket())) return end_without_arguments(*none);
  std::optional<std::string> mistake = none ? std::optional(none->text) : std::nullopt;
  if (!mistake && !arguments.nexthop) mistake = "no nexthop: write --nexthop CHAIN";
  if (mistake && !stdout_is_socket()) return refuse(*mistake);
  silence_standard_error();
  LmtpSession(arguments.common, arguments.nexthop.value_or(""), std::move(mistake)).run();
  return kDone;
}

}  // namespace

const Command kLmtpCommand{
    "lmtp", "take messages from lmtp(8), as a service of spawn(8)",
    "Speaks LMTP on standard input and output: message after message, with a result for each recipient, over "
    "sessions to the relays that are kept. It ends with its connection. Exit status: 0, or 2 wrong command line.",
    start_lmtp};

std::optional<std::string> lmtp_argv_mistake(const std::vector<std::string>& words) {
  LmtpArguments arguments;
  const auto none = parse(kLmtpCommand, words, arguments);
  return none ? std::optional(none->text) : std::nullopt;
}

}  // namespace relaypipe
