#include "command/wiring/arguments_cli.h"

namespace relaypipe {
namespace {

void describe_check(CLI::App& app, ToolArguments& arguments) {
  add_common_options(app, arguments);
  app.add_flag("--json", arguments.json, "for programs");
}

void describe_plan(CLI::App& app, ToolArguments& arguments) {
  add_value(app, "--from", arguments.sender, "envelope sender; '' or <> is the null sender", "SENDER");
  app.add_option(
         "--to",
         [&arguments](const CLI::results_t& words) {
           for (const std::string& word : words)
             arguments.recipients.push_back(word.substr(1));
           return true;
         },
         "envelope recipient; may be given several times")
      ->type_name("RECIPIENT")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_value(app, "--nexthop", arguments.nexthop, "a chain, or a list (default: the only chain of the configuration)",
            "CHAIN|LIST");
  add_value(app, "--size", arguments.size, "size of the message in octets", "N");
  app.add_flag("--explain", arguments.explain, "the rules that were followed, and what holds for each relay");
  app.add_flag("--resolve", arguments.resolve, "look the addresses up");
  describe_check(app, arguments);
}

void describe_probe(CLI::App& app, ToolArguments& arguments) {
  add_value(app, "--mail-from", arguments.sender, "asks about this sender too, with MAIL and RSET", "SENDER");
  add_value(app, "--rcpt-to", arguments.recipient,
            "asks about this recipient too, with RCPT; the sender is <> unless given", "RECIPIENT");
  add_value(app, "--timeout", arguments.timeout, "the longest it may take (default: 30s)", "SPAN");
  describe_check(app, arguments);
  app.add_option("RELAY", arguments.words, "relays, chains or lists (default: every configured relay)");
}

void describe_classify(CLI::App& app, ToolArguments& arguments) {
  add_value(app, "--relay", arguments.relay, "whose rules hold: a relay of the configuration, or a destination",
            "RELAY");
  add_value(app, "--provider", arguments.provider, "whose replies it is, see `relaypipe providers`", "NAME");
  add_value(app, "--stage", arguments.stage, "where it was said: greeting, auth, mail, rcpt, data, end_of_data ...",
            "STAGE");
  app.add_option("REPLY", arguments.words,
                 "the reply, one argument per line, or a whole line of the mail log; default: standard input");
  describe_check(app, arguments);
}

void describe_providers(CLI::App& app, ToolArguments& arguments) {
  app.add_option("NAME", arguments.words, "one of them (default: all)")->expected(0, 1);
  app.add_flag("--json", arguments.json, "for programs");
}

Result<ToolArguments, NoArguments> parse_tool(const std::vector<std::string>& words, const std::string& command,
                                              const std::string& purpose, void (*describe)(CLI::App&, ToolArguments&)) {
  ToolArguments arguments;
  CLI::App app(purpose, command);
  describe(app, arguments);
  if (auto none = parse_words(app, words, command)) return fail(*std::move(none));
  return arguments;
}

}  // namespace

Result<ToolArguments, NoArguments> parse_plan_arguments(const std::vector<std::string>& words) {
  return parse_tool(words, "relaypipe plan",
                    "Shows which relays a message would go to, in which order, and why. Sends nothing. Exit "
                    "status: 0 there is a plan, 1 there is none, 2 bad input.",
                    describe_plan);
}

Result<ToolArguments, NoArguments> parse_check_arguments(const std::vector<std::string>& words) {
  return parse_tool(words, "relaypipe check",
                    "Says what is wrong with the configuration. Exit status: 0 nothing, 1 warnings, 2 errors.",
                    describe_check);
}

Result<ToolArguments, NoArguments> parse_probe_arguments(const std::vector<std::string>& words) {
  return parse_tool(
      words, "relaypipe probe",
      "Opens a session to every address of the relays, as a delivery would, and says what it found. Sends "
      "no mail. Exit status: 0 every relay would take mail, 1 one would not, 2 bad input.",
      describe_probe);
}

Result<ToolArguments, NoArguments> parse_classify_arguments(const std::vector<std::string>& words) {
  return parse_tool(
      words, "relaypipe classify",
      "Says what a relay's reply means, and what would follow from it. A line of the mail log tells the stage "
      "and the provider too. Sends nothing. Exit status: 0 classified, 2 bad input.",
      describe_classify);
}

Result<ToolArguments, NoArguments> parse_providers_arguments(const std::vector<std::string>& words) {
  return parse_tool(words, "relaypipe providers",
                    "Shows the providers that are known, and what one of them brings. Exit status: 0 shown, 2 no such "
                    "provider or wrong command line.",
                    describe_providers);
}

}  // namespace relaypipe
