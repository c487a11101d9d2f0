#include "command/wiring/arguments_state.h"

#include "command/wiring/arguments_cli.h"

namespace relaypipe {
namespace {

constexpr const char* kExit =
    " Exit status: 0 done, 1 nothing can be remembered, 2 wrong command line or configuration.";

Result<StateArguments, NoArguments> parse_state(const std::vector<std::string>& words, const std::string& command,
                                                const std::string& purpose,
                                                void (*describe)(CLI::App&, StateArguments&)) {
  StateArguments arguments;
  CLI::App app(purpose + kExit, command);
  describe(app, arguments);
  add_common_options(app, arguments);
  if (auto none = parse_words(app, words, command)) return fail(*std::move(none));
  return arguments;
}

void describe_relay(CLI::App& app, StateArguments& arguments) {
  app.add_option("RELAY", arguments.relay, "its name in the configuration, or the destination as it is written")
      ->required();
}

void describe_status(CLI::App& app, StateArguments& arguments) {
  add_value(app, "--format", arguments.format, "table, json or prometheus", "FORMAT");
  app.add_flag("--json", arguments.json, "short for --format=json");
  app.add_flag("--watch", arguments.watch, "look again every two seconds");
  add_value(app, "--interval", arguments.interval, "look again after so many seconds", "SECONDS");
}

void describe_suspend(CLI::App& app, StateArguments& arguments) {
  describe_relay(app, arguments);
  add_value(app, "--for", arguments.span, "how long, such as 2h (default: until resumed)", "SPAN");
}

void describe_reset(CLI::App& app, StateArguments& arguments) {
  app.add_option("RELAY", arguments.relays, "names in the configuration, or destinations as written; default: all");
  app.add_flag("--quota", arguments.quota, "also what counts against its rate and quotas");
}

void describe_log(CLI::App& app, StateArguments& arguments) {
  add_value(app, "-n", arguments.count, "how many (default: 20)", "N");
  app.add_flag("--json", arguments.json, "for programs");
}

}  // namespace

Result<StateArguments, NoArguments> parse_status_arguments(const std::vector<std::string>& words) {
  return parse_state(words, "relaypipe status", "Shows what all deliveries remember together.", describe_status);
}

Result<StateArguments, NoArguments> parse_suspend_arguments(const std::vector<std::string>& words) {
  return parse_state(words, "relaypipe suspend", "Keeps all deliveries from a relay.", describe_suspend);
}

Result<StateArguments, NoArguments> parse_resume_arguments(const std::vector<std::string>& words) {
  return parse_state(words, "relaypipe resume", "Ends what suspend began.", describe_relay);
}

Result<StateArguments, NoArguments> parse_reset_arguments(const std::vector<std::string>& words) {
  return parse_state(words, "relaypipe reset",
                     "Forgets the health of relays: the next delivery tries them. Of a relay that is no longer in the "
                     "configuration everything is forgotten.",
                     describe_reset);
}

Result<StateArguments, NoArguments> parse_log_arguments(const std::vector<std::string>& words) {
  return parse_state(words, "relaypipe log", "Shows the last changes of the relays' states.", describe_log);
}

}  // namespace relaypipe
