#include "command/wiring/options.h"

#include <CLI/CLI.hpp>

#include "base/printable.h"
#include "base/result.h"

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

/// Takes the mark off the value of an option, and keeps the last one.
template <class Target>
CLI::callback_t unmarked(Target& target) {
  return [&target](const CLI::results_t& words) {
    target = words.back().substr(1);
    return true;
  };
}

}  // namespace

Options::Options(std::string command, const std::string& about)
    : command_(std::move(command)), app_(std::make_unique<CLI::App>(about, command_)) {}

Options::~Options() = default;

void Options::without_help() { app_->set_help_flag(); }

void Options::value(const char* name, std::optional<std::string>& target, const char* help, const char* form) {
  app_->add_option(name, unmarked(target), help)
      ->type_name(form)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void Options::value(const char* name, std::string& target, const char* help, const char* form) {
  app_->add_option(name, unmarked(target), help)
      ->type_name(form)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void Options::values(const char* name, std::vector<std::string>& target, const char* help, const char* form) {
  const auto add = [&target](const CLI::results_t& words) {
    for (const std::string& word : words)
      target.push_back(word.substr(1));
    return true;
  };
  app_->add_option(name, add, help)->type_name(form)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void Options::flag(const char* name, bool& target, const char* help) { app_->add_flag(name, target, help); }

void Options::ignored_flag(const char* name, const char* help) {
  app_->add_flag_function(
      name, [](std::int64_t) {}, help);
}

void Options::word(const char* name, std::optional<std::string>& target, const char* help) {
  app_->add_option(name, target, help);
}

void Options::needed_word(const char* name, std::string& target, const char* help) {
  app_->add_option(name, target, help)->required();
}

void Options::words(const char* name, std::vector<std::string>& target, const char* help) {
  app_->add_option(name, target, help);
}

void Options::common(CommonArguments& arguments) {
  value("--config", arguments.config, "configuration file", "FILE");
  const auto settings = [&arguments](const std::string& prefix) {
    return [&arguments, prefix](const CLI::results_t& words) {
      for (const std::string& word : words) {
        // sendmail's -oi arrives here as the setting "i"; it means nothing to a delivery agent.
        if (word.substr(1) != "i") arguments.settings.push_back(prefix + word.substr(1));
      }
      return true;
    };
  };
  app_->add_option("-o", settings(""), "sets a setting; wins over the configuration file")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app_->add_option("--deadline", settings("deadline="), "end of the whole delivery (default: 15m)")
      ->type_name("SPAN")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

std::string Options::help() const { return app_->help(); }

std::optional<NoArguments> Options::parse(const std::vector<std::string>& words) {
  auto marked = mark_values(*app_, words);
  if (!marked) return NoArguments{marked.error()};
  const std::string hint = "; `" + command_ + " --help` shows the options";
  try {
    app_->parse(std::vector<std::string>(marked->rbegin(), marked->rend()));
  } catch (const CLI::CallForHelp&) {
    return NoArguments{app_->help(), true};
  } catch (const CLI::ExtrasError&) {
    return NoArguments{unexpected(app_->remaining()) + hint};
  } catch (const CLI::ParseError& error) {
    return NoArguments{std::string(error.what()) + hint};
  }
  return std::nullopt;
}

}  // namespace relaypipe
