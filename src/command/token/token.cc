#include "command/token/token.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>

#include "base/printable.h"
#include "command/token/authorize.h"
#include "command/token/json.h"
#include "command/token/state.h"
#include "command/token/token_parts.h"
#include "command/wiring/deliverer.h"
#include "command/wiring/request.h"
#include "config/nearest.h"
#include "deliver/log_lines.h"
#include "io/system/local_time.h"
#include "io/system/poll_event_loop.h"
#include "io/system/standard_streams.h"
#include "io/system/user_rights.h"
#include "oauth/token_texts.h"

namespace relaypipe {
namespace {

constexpr int kTrouble = 1;

struct TokenArguments : CommonArguments {
  std::optional<std::string> relay;  ///< nothing: all
  bool refresh = false;
  bool authorize = false;
  bool json = false;
};

void declare(Options& options, TokenArguments& arguments) {
  options.word("RELAY", arguments.relay, "its name in the configuration");
  options.flag("--refresh", arguments.refresh, "fetch a new access token now");
  options.flag("--authorize", arguments.authorize, "get a person's consent, and a refresh token (device flow)");
  options.flag("--json", arguments.json, "for programs");
  options.common(arguments);
}

/// What would stand in the log of a delivery.
class TextJournal final : public Journal {
 public:
  void line(Level, std::string_view text) override { write_text(std::string(text) + "\n"); }
};

Relay relay_of(const RelayConfig& config) {
  Relay relay;
  relay.name = config.name;
  relay.destination = config.destination;
  relay.settings = &config.settings;
  relay.account = config.account;
  return relay;
}

/// Those with OAuth2, or the one that is named.
Result<std::vector<Relay>, std::string> choose(const Configuration& configuration,
                                               const std::optional<std::string>& name) {
  std::vector<Relay> relays;
  std::vector<std::string_view> known;
  for (const auto& [key, config] : configuration.relays) {
    if (!config.account.oauth2) continue;
    known.push_back(key);
    if (!name || *name == key) relays.push_back(relay_of(config));
  }
  if (!relays.empty()) return relays;
  if (known.empty()) return fail(std::string("no relay has a [relay.NAME.oauth2]"));
  return fail(fmt::format("{} is not a relay with a [relay.NAME.oauth2]; there is {}", printable(name.value_or("")),
                          fmt::join(known, ", ")));
}

int show(const std::vector<Relay>& relays, TokenParts& parts, bool json) {
  const FileReader self = FileReader::self();
  const SecretReader reader = [&](const std::string& file) { return read_secret_file(file, self); };
  std::vector<TokenState> states;
  std::string text;
  for (const Relay& relay : relays) {
    states.push_back(token_state(relay, parts.store, reader, parts.wall.seconds()));
    text += describe(states.back(), parts.wall.seconds());
  }
  write_text(json ? token_json(states, parts.wall.seconds()) : with_local_times(text));
  return std::all_of(states.begin(), states.end(), [](const TokenState& state) { return state.well(); }) ? kDone
                                                                                                         : kTrouble;
}

std::optional<std::string> renew(const Relay& relay, TokenParts& parts, const Clock& clock) {
  PollEventLoop event_loop(clock, {&parts.names, &parts.client, &parts.broker});
  parts.broker.renew(0, relay);
  while (true) {
    for (const TokenEvent& event : parts.broker.take_answers())
      return event.token ? std::nullopt : std::optional(event.token.error());
    event_loop.wait(Instant::max());
  }
}

/// `--refresh` and `--authorize`, which need an endpoint and write.
int change(const TokenArguments& arguments, const Relay& relay, TokenParts& parts) {
  const SystemClock clock;
  const Oauth2Config& config = *relay.account.oauth2;
  if (config.token_endpoint.empty())
    return refuse(fmt::format("relay {} has no token_endpoint: somebody else gets its tokens", relay.name));
  if (!arguments.authorize) {
    const auto problem = renew(relay, parts, clock);
    if (problem) write_text(fmt::format("{}: {}\n", relay.name, *problem));
    const int status = show({relay}, parts, arguments.json);
    return problem ? kTrouble : status;
  }
  if (config.grant != Oauth2Config::Grant::RefreshToken)
    return refuse(fmt::format("relay {} has grant = \"client_credentials\", which needs nobody's consent", relay.name));
  if (config.device_endpoint.empty() && config.authorization_endpoint.empty())
    return refuse(
        fmt::format("relay {} has no device_endpoint or authorization_endpoint, which --authorize needs", relay.name));
  const auto done = authorize(relay, parts, clock);
  if (!done) return refuse(done.error(), kTrouble);
  const SystemUser user = system_user(::geteuid(), ::getegid());
  write_text(fmt::format("Done: {} is kept for user {}.\n", parts.store.file(relay.name), user.name));
  if (user.root())
    write_text("But deliveries do not run as root: give state_directory and all in it to the user of master.cf.\n");
  return show({relay}, parts, false);
}

int run(const TokenArguments& arguments) {
  if (arguments.authorize && (arguments.refresh || arguments.json))
    return refuse("--authorize stands alone: it is a talk with a person");
  const LoadedConfiguration loaded = load_as_deliverer(arguments);
  if (const auto error = configuration_error(loaded)) return refuse(*error);
  const auto relays = choose(loaded.configuration, arguments.relay);
  if (!relays) return refuse(relays.error());
  const bool changes = arguments.refresh || arguments.authorize;
  if (changes && relays->size() != 1) return refuse("write the name of the relay: several have a token");
  if (changes) {
    if (const auto problem = state_directory_problem(loaded)) return refuse(*problem, kTrouble);
  }
  hide_memory();
  const SystemClock clock;
  TextJournal journal;
  TokenParts parts(clock, loaded.configuration.run, journal, log_id(""));
  return changes ? change(arguments, relays->front(), parts) : show(*relays, parts, arguments.json);
}

}  // namespace

const Command kTokenCommand{
    "token", "how OAuth2 access tokens stand; a person's consent for one",
    "Shows the OAuth2 access tokens of all relays, or of one. Exit status: 0 all is well, 1 something has to be put "
    "right, 2 wrong command line or configuration.",
    start<TokenArguments, declare, run>};

}  // namespace relaypipe
