#pragma once

#include <poll.h>
#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "base/secret.h"
#include "io/base/unique_fd.h"

namespace relaypipe {

/// A command that prints a secret. It runs beside everything else: with no shell, in a process group of its own that is
/// killed when it is late, with /dev/null for input and error output, no signal blocked or ignored, in `/`, and with an
/// environment of PATH, LC_ALL=C and CREDENTIALS_DIRECTORY alone. Its first line is the secret, or all it prints.
class AccountCommand {
 public:
  enum class Wanted { FirstLine, All };
  /// Starts it. It has until `ends`.
  AccountCommand(const std::vector<std::string>& argv, Instant ends, Wanted wanted = Wanted::FirstLine);
  ~AccountCommand();
  AccountCommand(const AccountCommand&) = delete;
  AccountCommand& operator=(const AccountCommand&) = delete;

  /// As a Pollable's.
  Instant interests(std::vector<pollfd>& fds, Instant now);
  /// Reads what is there and looks after the process. The result comes once: the secret, or a phrase that begins with
  /// the program's path.
  std::optional<Result<Secret, std::string>> serve(Instant now);

 private:
  void spawn(const std::vector<std::string>& argv);
  void read();
  [[nodiscard]] bool ended();
  Result<Secret, std::string> result();
  void kill_group();

  std::string program_;
  Instant ends_;
  Wanted wanted_;
  pid_t pid_ = -1;
  UniqueFd exit_;    ///< pidfd: readable when the process has ended; none where the kernel has none
  UniqueFd output_;  ///< none after its end
  int status_ = 0;
  std::string text_;  ///< room for all it may print from the start, so that nothing is left behind by growing
  std::string trouble_;
};

}  // namespace relaypipe
