#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/owner.h"
#include "io/base/unique_fd.h"

namespace relaypipe {

/// Tells who still runs by record locks on `owners.lock` in the state directory: whoever takes something locks one
/// octet of it, at a place that is its random number (fcntl_locking(2), "Open file description locks"). The file stays
/// empty. The kernel frees the lock when the process ends, and shows it to everybody who may open the file, whatever
/// /proc shows, in every namespace. The descriptor is closed on exec, so a program that was started keeps no lock
/// alive.
class StateOwners {
 public:
  explicit StateOwners(std::string state_directory) : directory_(std::move(state_directory)) {}

  /// This process, from now on until it ends. Where there can be no lock it is one that nobody sees running: what it
  /// takes is free at once, and trouble() says so.
  [[nodiscard]] Owner self();
  /// Whether that process runs. Where the kernel does not tell, it does: what it holds has an end of its own.
  [[nodiscard]] bool alive(const Owner& owner);

  /// Why nothing can be told, a sentence.
  [[nodiscard]] const std::optional<std::string>& trouble() const { return trouble_; }

 private:
  bool open();

  std::string directory_;
  Owner self_;
  UniqueFd file_;
  std::optional<std::string> trouble_;
};

}  // namespace relaypipe
