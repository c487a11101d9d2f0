#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "command/wiring/options.h"

namespace relaypipe {

inline constexpr int kDone = 0;      ///< the exit status of a command that did what it was asked
inline constexpr int kBadInput = 2;  ///< its command line or configuration is wrong

/// A command: everything that is no delivery. Its own file or directory has all of it; command/commands.cc lists them.
struct Command {
  std::string_view name;
  std::string_view purpose;  ///< one phrase for `relaypipe --help`
  std::string_view about;    ///< the sentences of its own `--help`: what it does, and its exit statuses
  int (*start)(const Command& command, const std::vector<std::string>& words);

  /// The exit status, for the words after its name.
  [[nodiscard]] int run(const std::vector<std::string>& words) const { return start(*this, words); }
};

/// Writes what is wrong with a command line, or the help that was asked for; the exit status.
int end_without_arguments(const NoArguments& none);

/// Writes why a command cannot do what it was asked; returns `status`.
int refuse(const std::string& text, int status = kBadInput);
/// The same as `{"error": …}`, where `json` was asked for.
int refuse_as(bool json, const std::string& text, int status = kBadInput);

/// The usual start: Arguments are read as Declare says, and Run is called with them.
template <class Arguments, void (*Declare)(Options&, Arguments&), int (*Run)(const Arguments&)>
int start(const Command& command, const std::vector<std::string>& words) {
  Arguments arguments;
  Options options("relaypipe " + std::string(command.name), std::string(command.about));
  Declare(options, arguments);
  if (const auto none = options.parse(words)) return end_without_arguments(*none);
  return Run(arguments);
}

}  // namespace relaypipe
