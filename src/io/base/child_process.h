#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/base/unique_fd.h"

namespace relaypipe {

/// A pipe, whose ends are closed on exec.
struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

/// Makes a pipe; nothing, with errno, where there can be none.
std::optional<Pipe> make_pipe();

/// A program and what it is started with: no signal blocked or ignored, and no descriptor of ours but these three.
struct ChildProcess {
  /// Whose signals it shares, of those that are sent to many.
  enum class Group { Ours, Own, OwnSession };

  std::string program;  ///< its file; not looked for in PATH
  std::vector<std::string> argv;
  std::vector<std::string> environment;  ///< `NAME=value`
  int input = -1;                        ///< -1: /dev/null, as for the other two
  int output = -1;
  int error = -1;
  Group group = Group::Ours;
  std::string directory = {};  ///< it runs there; empty: where we are

  /// Its number, or an errno. Whoever starts it waits for it.
  [[nodiscard]] Result<pid_t, int> start() const;
};

/// The environment of this process.
std::vector<std::string> own_environment();

}  // namespace relaypipe
