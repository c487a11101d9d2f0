#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace relaypipe {

/// A sub-command: everything that is no delivery.
struct Tool {
  std::string_view name;
  int (*run)(const std::vector<std::string>& words);  ///< the words after its name; returns the exit status
  std::string_view purpose;                           ///< one phrase for `--help`
};

/// All of them, in the order in which `--help` lists them.
std::span<const Tool> tools();

/// The sub-command of that name, or nullptr: then it is a delivery.
const Tool* find_tool(std::string_view name);

/// What to say of a command line that begins with a word which is no command and cannot be meant as a delivery, such as
/// `sttaus`. A delivery begins with an option; its exit status is for Postfix, so such a line has to end as a deferral.
std::optional<std::string> unknown_command(const std::vector<std::string>& words);

}  // namespace relaypipe
