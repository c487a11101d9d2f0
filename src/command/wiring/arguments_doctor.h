#pragma once

#include "command/wiring/arguments.h"

namespace relaypipe {

/// The command line of `relaypipe doctor`.
struct DoctorArguments : CommonArguments {
  std::optional<std::string> directory;  ///< Postfix's configuration; by default, the one of its tools
  bool json = false;
  bool fix = false;  ///< runs the lines that it prints, after asking
};

Result<DoctorArguments, NoArguments> parse_doctor_arguments(const std::vector<std::string>& words);

}  // namespace relaypipe
