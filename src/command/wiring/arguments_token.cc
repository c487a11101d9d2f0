#include "command/wiring/arguments_cli.h"

namespace relaypipe {

Result<TokenArguments, NoArguments> parse_token_arguments(const std::vector<std::string>& words) {
  TokenArguments arguments;
  CLI::App app(
      "Shows the OAuth2 access tokens of all relays, or of one. Exit status: 0 all is well, 1 something has to be put "
      "right, 2 wrong command line or configuration.",
      "relaypipe token");
  app.add_option("RELAY", arguments.relay, "its name in the configuration");
  app.add_flag("--refresh", arguments.refresh, "fetch a new access token now");
  app.add_flag("--authorize", arguments.authorize, "get a person's consent, and a refresh token (device flow)");
  app.add_flag("--json", arguments.json, "for programs");
  add_common_options(app, arguments);
  if (auto none = parse_words(app, words, "relaypipe token")) return fail(*std::move(none));
  if (arguments.authorize && (arguments.refresh || arguments.json))
    return fail(NoArguments{"--authorize stands alone: it is a talk with a person"});
  return arguments;
}

}  // namespace relaypipe
