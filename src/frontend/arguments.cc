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

void add_message_options(CLI::App& app, Arguments& arguments) {
  const auto option = [&](const std::string& name, auto& target, const std::string& help, const std::string& form) {
    app.add_option(name, unmarked(target), help)
        ->type_name(form)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  };
  option("--nexthop", arguments.nexthop, "relays in order of priority: [host]:port, domain, smtps:[host]", "LIST");
  option("--config", arguments.config, "configuration file", "FILE");
  option("--queue-id", arguments.queue_id, "Postfix's name of the message, ${queue_id}", "ID");
  option("--size", arguments.size, "Postfix's count of the message, ${size}", "N");
  option("-f", arguments.sender, "envelope sender; '' or <> is the null sender", "SENDER");
  option("--client-address", arguments.client.address, "${client_address}", "A");
  option("--client-name", arguments.client.name, "${client_hostname}", "NAME");
  option("--client-helo", arguments.client.helo, "${client_helo}", "NAME");
  option("--client-port", arguments.client.port, "${client_port}", "N");
  option("--client-protocol", arguments.client.protocol, "${client_protocol}", "P");
  option("--sasl-username", arguments.client.sasl_username, "${sasl_username}", "USER");
}

/// `-o NAME=VALUE`, `--deadline SPAN` (short for one of them), and what sendmail(1) has and means nothing here: -i and
/// -oi.
void add_setting_options(CLI::App& app, Arguments& arguments) {
  app.add_option(
         "-o",
         [&arguments](const CLI::results_t& words) {
           for (const std::string& word : words) {
             if (word.substr(1) != "i") arguments.settings.push_back(word.substr(1));
           }
           return true;
         },
         "sets a setting; `relaypipe --help` lists them")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option(
         "--deadline",
         [&arguments](const CLI::results_t& words) {
           arguments.settings.push_back("deadline=" + words.back().substr(1));
           return true;
         },
         "end of the whole delivery, 15m unless told")
      ->type_name("SPAN")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_flag_function(
      "-i", [](std::int64_t) {}, "ignored, as is -oi (sendmail compatibility)");
  app.add_flag("-v", arguments.verbose, "show the dialogue on standard error");
  app.add_option("RECIPIENT", arguments.recipients, "envelope recipients, after --");
}

void describe_program(CLI::App& app, Arguments& arguments) {
  app.set_help_flag();
  add_message_options(app, arguments);
  add_setting_options(app, arguments);
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
  describe_program(app, ignored);
  std::string text = app.help() + "\nSettings for -o:\n";
  for (const SettingKey& key : settings_table()) {
    std::string name(key.name);
    name.resize(std::max<std::size_t>(name.size() + 1, 20), ' ');
    text += "  " + name + std::string(key.help) + "\n";
  }
  return text;
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
  describe_program(app, arguments);
  auto marked = mark_values(app, words);
  if (!marked) return fail(marked.error());
  try {
    app.parse(std::vector<std::string>(marked->rbegin(), marked->rend()));
  } catch (const CLI::ParseError& error) {
    return fail(std::string(error.what()) + "; `relaypipe --help` shows the options");
  }
  return arguments;
}

}  // namespace relaypipe
