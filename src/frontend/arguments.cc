#include "frontend/arguments.h"

#include <CLI/CLI.hpp>

#include "config/settings.h"

namespace relaypipe {
namespace {

/// Marks the value of an option. CLI11 takes a word that begins with `-` for an option and an empty one for none;
/// marked words are neither.
constexpr char kMark = '=';

CLI::callback_t unmarked(std::optional<std::string>& target) {
  return [&target](const CLI::results_t& words) {
    target = words.back().substr(1);
    return true;
  };
}

CLI::callback_t unmarked(std::string& target) {
  return [&target](const CLI::results_t& words) {
    target = words.back().substr(1);
    return true;
  };
}

template <class Target>
CLI::Option* add_value(CLI::App& app, const std::string& name, Target& target, const std::string& help,
                       const std::string& form) {
  return app.add_option(name, unmarked(target), help)
      ->type_name(form)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

/// `--config FILE`, `-o NAME=VALUE`, and `--deadline SPAN`, which is short for one of these.
void add_common_options(CLI::App& app, CommonArguments& arguments) {
  add_value(app, "--config", arguments.config, "configuration file", "FILE");
  const auto settings = [&arguments](const std::string& prefix) {
    return [&arguments, prefix](const CLI::results_t& words) {
      for (const std::string& word : words) {
        // sendmail's -oi arrives here as the setting "i"; it means nothing to a delivery agent.
        if (word.substr(1) != "i") arguments.settings.push_back(prefix + word.substr(1));
      }
      return true;
    };
  };
  app.add_option("-o", settings(""), "sets a setting, see below; wins over the configuration file")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--deadline", settings("deadline="), "end of the whole delivery, 15m unless told")
      ->type_name("SPAN")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void describe_delivery(CLI::App& app, Arguments& arguments) {
  app.set_help_flag();
  add_value(app, "--nexthop", arguments.nexthop,
            "a chain of the configuration, or relays in order of priority: [host]:port, domain, smtps:[host]",
            "CHAIN|LIST");
  add_value(app, "-f", arguments.sender, "envelope sender; '' or <> is the null sender", "SENDER");
  add_common_options(app, arguments);
  add_value(app, "--queue-id", arguments.queue_id, "Postfix's name of the message, ${queue_id}", "ID");
  add_value(app, "--size", arguments.size, "Postfix's count of the message, ${size}", "N");
  add_value(app, "--client-address", arguments.client.address, "${client_address}", "A");
  add_value(app, "--client-name", arguments.client.name, "${client_hostname}", "NAME");
  add_value(app, "--client-helo", arguments.client.helo, "${client_helo}", "NAME");
  add_value(app, "--client-port", arguments.client.port, "${client_port}", "N");
  add_value(app, "--client-protocol", arguments.client.protocol, "${client_protocol}", "P");
  add_value(app, "--sasl-username", arguments.client.sasl_username, "${sasl_username}", "USER");
  app.add_flag_function(
      "-i", [](std::int64_t) {}, "ignored, as is -oi (sendmail compatibility)");
  app.add_flag("-v", arguments.verbose, "show the dialogue on standard error");
  app.add_option("RECIPIENT", arguments.recipients, "envelope recipients, after --");
}

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
  add_value(app, "--nexthop", arguments.nexthop, "a chain, or a list; the only chain of the configuration unless told",
            "CHAIN|LIST");
  add_value(app, "--size", arguments.size, "size of the message in octets", "N");
  app.add_flag("--explain", arguments.explain, "the rules that were followed, and what holds for each relay");
  app.add_flag("--resolve", arguments.resolve, "look the addresses up");
  describe_check(app, arguments);
}

/// Whether an option of this name takes a value.
bool takes_value(const CLI::App& app, const std::string& name) {
  const CLI::Option* option = app.get_option_no_throw(name);
  return option != nullptr && option->get_expected_max() > 0 && !option->get_positional() &&
         option->get_type_size() > 0;
}

/// Splits `--name=value` and `-fvalue`, and marks every value, so that CLI11 sees each as a word of its own that is no
/// option.
Result<std::vector<std::string>, std::string> mark_values(const CLI::App& app, const std::vector<std::string>& words) {
  std::vector<std::string> marked;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {
      marked.insert(marked.end(), words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
      return marked;
    }
    const bool is_long = word.starts_with("--");
    const std::size_t end = is_long ? word.find('=') : 2;
    const std::string name = word.substr(0, end);
    if (!takes_value(app, name)) {
      marked.push_back(word);
    } else if (name.size() < word.size()) {
      marked.insert(marked.end(), {name, kMark + word.substr(is_long ? name.size() + 1 : name.size())});
    } else if (++i < words.size()) {
      marked.insert(marked.end(), {name, kMark + words[i]});
    } else {
      return fail("option " + name + " needs a value");
    }
  }
  return marked;
}

std::string help() {
  Arguments ignored;
  CLI::App app(
      "relaypipe: a Postfix delivery agent. Hands the message on standard input to the first relay that takes it.",
      "relaypipe");
  describe_delivery(app, ignored);
  std::string text = app.help() +
                     "\nOther commands (each with --help):\n"
                     "  relaypipe plan              which relays, in which order, and why; sends nothing\n"
                     "  relaypipe check             what is wrong with the configuration and the files it names\n"
                     "\nSettings for -o:\n";
  for (const SettingKey& key : settings_table()) {
    if (key.scope == SettingScope::OwnRelay) continue;
    std::string name(key.name);
    name.resize(std::max<std::size_t>(name.size() + 1, 20), ' ');
    text += "  " + name + std::string(key.help) + "\n";
  }
  return text;
}

/// Lets CLI11 read the words, with the values marked.
std::optional<NoArguments> parse(CLI::App& app, const std::vector<std::string>& words, const std::string& command) {
  auto marked = mark_values(app, words);
  if (!marked) return NoArguments{marked.error()};
  try {
    app.parse(std::vector<std::string>(marked->rbegin(), marked->rend()));
  } catch (const CLI::CallForHelp&) {
    return NoArguments{app.help(), true};
  } catch (const CLI::ParseError& error) {
    return NoArguments{std::string(error.what()) + "; `" + command + " --help` shows the options"};
  }
  return std::nullopt;
}

Result<ToolArguments, NoArguments> parse_tool(const std::vector<std::string>& words, const std::string& command,
                                              const std::string& purpose, void (*describe)(CLI::App&, ToolArguments&)) {
  ToolArguments arguments;
  CLI::App app(purpose, command);
  describe(app, arguments);
  if (auto none = parse(app, words, command)) return fail(*std::move(none));
  return arguments;
}

}  // namespace

std::optional<std::string> information(const std::vector<std::string>& words) {
  if (words.size() != 1) return std::nullopt;
  if (words.front() == "--help" || words.front() == "-h") return help();
  if (words.front() == "--version") return "relaypipe " RELAYPIPE_VERSION "\n";
  return std::nullopt;
}

Result<Arguments, std::string> parse_arguments(const std::vector<std::string>& words) {
  Arguments arguments;
  CLI::App app;
  describe_delivery(app, arguments);
  if (auto none = parse(app, words, "relaypipe")) return fail(std::move(none->text));
  return arguments;
}

Result<ToolArguments, NoArguments> parse_plan_arguments(const std::vector<std::string>& words) {
  return parse_tool(words, "relaypipe plan",
                    "Shows which relays a message would go to, in which order, and why. Sends nothing.", describe_plan);
}

Result<ToolArguments, NoArguments> parse_check_arguments(const std::vector<std::string>& words) {
  return parse_tool(words, "relaypipe check",
                    "Says what is wrong with the configuration. Exit status: 0 nothing, 1 warnings, 2 errors.",
                    describe_check);
}

}  // namespace relaypipe
