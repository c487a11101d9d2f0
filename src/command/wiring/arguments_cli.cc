#include "command/wiring/arguments_cli.h"

#include "base/printable.h"

namespace relaypipe {
namespace {

/// Marks the value of an option. CLI11 takes a word that begins with `-` for an option and an empty one for none;
/// marked words are neither.
constexpr char kMark = '=';

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

/// What nobody expected, by the names of options alone: their values, and words that are not, may be anything, and this
/// text goes to the log and to mailq.
std::string unexpected(const std::vector<std::string>& words) {
  std::string names;
  for (const std::string& word : words) {
    if (!word.starts_with('-')) continue;
    const std::string name = word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
    names += (names.empty() ? "" : ", ") + printable(name);
  }
  if (!names.empty()) return "there is no option " + names;
  return words.size() == 1 ? "there is a word too many"
                           : "there are " + std::to_string(words.size()) + " words too many";
}

}  // namespace

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
  app.add_option("--deadline", settings("deadline="), "end of the whole delivery (default: 15m)")
      ->type_name("SPAN")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

std::optional<NoArguments> parse_words(CLI::App& app, const std::vector<std::string>& words,
                                       const std::string& command) {
  auto marked = mark_values(app, words);
  if (!marked) return NoArguments{marked.error()};
  try {
    app.parse(std::vector<std::string>(marked->rbegin(), marked->rend()));
  } catch (const CLI::CallForHelp&) {
    return NoArguments{app.help(), true};
  } catch (const CLI::ExtrasError&) {
    return NoArguments{unexpected(app.remaining()) + "; `" + command + " --help` shows the options"};
  } catch (const CLI::ParseError& error) {
    return NoArguments{std::string(error.what()) + "; `" + command + " --help` shows the options"};
  }
  return std::nullopt;
}

}  // namespace relaypipe
