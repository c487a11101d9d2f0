#include "command/arguments.h"

namespace relaypipe {
namespace {

void declare(Options& options, Arguments& arguments) {
  options.without_help();
  options.value("--nexthop", arguments.nexthop,
                "a chain of the configuration, or relays in order of priority: [host]:port, domain, smtps:[host]",
                "CHAIN|LIST");
  options.value("-f", arguments.sender, "envelope sender; '' or <> is the null sender", "SENDER");
  options.common(arguments);
  options.value("--queue-id", arguments.queue_id, "Postfix's name of the message, ${queue_id}", "ID");
  options.value("--size", arguments.size, "Postfix's count of the message, ${size}", "N");
  options.value("--client-address", arguments.client.address, "${client_address}", "A");
  options.value("--client-name", arguments.client.name, "${client_hostname}", "NAME");
  options.value("--client-helo", arguments.client.helo, "${client_helo}", "NAME");
  options.value("--client-port", arguments.client.port, "${client_port}", "N");
  options.value("--client-protocol", arguments.client.protocol, "${client_protocol}", "P");
  options.value("--sasl-username", arguments.client.sasl_username, "${sasl_username}", "USER");
  options.ignored_flag("-i", "ignored, as is -oi (sendmail compatibility)");
  options.flag("-v", arguments.verbose, "show the dialogue on standard error");
  options.words("RECIPIENT", arguments.recipients, "envelope recipients, after --");
}

constexpr const char* kAbout =
    "relaypipe: a Postfix delivery agent. Hands the message on standard input to the first relay that takes it.";

}  // namespace

Result<Arguments, std::string> parse_arguments(const std::vector<std::string>& words) {
  Arguments arguments;
  Options options("relaypipe", kAbout);
  declare(options, arguments);
  if (auto none = options.parse(words)) return fail(std::move(none->text));
  return arguments;
}

std::string delivery_help() {
  Arguments ignored;
  Options options("relaypipe", kAbout);
  declare(options, ignored);
  return options.help();
}

}  // namespace relaypipe
