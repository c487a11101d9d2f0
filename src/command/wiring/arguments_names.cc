#include "command/wiring/arguments_names.h"

#include "command/wiring/arguments_cli.h"

namespace relaypipe {

Result<NamesArguments, NoArguments> parse_names_arguments(const std::vector<std::string>& words) {
  NamesArguments arguments;
  CLI::App app(
      "Prints the names of all relays or chains of the configuration, or of all providers, one per line. "
      "Exit status: 0, or 2 wrong command line.",
      "relaypipe names");
  app.add_option("KIND", arguments.kind, "relays, chains or providers")
      ->required()
      ->check(CLI::IsMember({"relays", "chains", "providers"}));
  add_common_options(app, arguments);
  if (auto none = parse_words(app, words, "relaypipe names")) return fail(*std::move(none));
  return arguments;
}

}  // namespace relaypipe
