#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "command/wiring/arguments.h"

namespace relaypipe {

// What every command line of ours is read with.

/// Takes the mark off the value of an option, see arguments_cli.cc, and keeps the last one.
CLI::callback_t unmarked(std::optional<std::string>& target);
CLI::callback_t unmarked(std::string& target);

/// An option with one value; given several times, the last one holds.
template <class Target>
CLI::Option* add_value(CLI::App& app, const std::string& name, Target& target, const std::string& help,
                       const std::string& form) {
  return app.add_option(name, unmarked(target), help)
      ->type_name(form)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

/// `--config FILE`, `-o NAME=VALUE`, and `--deadline SPAN`, which is short for one of these.
void add_common_options(CLI::App& app, CommonArguments& arguments);

/// Lets CLI11 read the words, with the values marked. `command` is named where the words are wrong.
std::optional<NoArguments> parse_words(CLI::App& app, const std::vector<std::string>& words,
                                       const std::string& command);

}  // namespace relaypipe
