#pragma once

#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"

namespace relaypipe {

/// How a program of the machine ended, and what it printed.
struct ToolOutput {
  int status = 0;  ///< exit status; 128 and the signal where one ended it
  std::string out;
  std::string err;
};

/// Runs a program to its end, with no shell, /dev/null for input, our environment with LC_ALL=C, and its name looked up
/// in PATH and the sbin directories, where Postfix has its tools. What is not over after `limit` is killed. The error is a
/// phrase that begins with the program: it cannot be started, was killed, or printed more than 64 MiB.
Result<ToolOutput, std::string> run_tool(const std::vector<std::string>& argv, Duration limit);

}  // namespace relaypipe
