#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/wall_time.h"
#include "io/base/unique_fd.h"
#include "state/store.h"

namespace relaypipe {

/// The file `state.lock`, kept open from one operation to the next.
class StateLockFile {
 public:
  explicit StateLockFile(std::string directory) : path_(directory + "/state.lock"), directory_(std::move(directory)) {}

  /// The descriptor of the file that has the name now: whoever keeps one that was removed takes turns with nobody. The
  /// error is a sentence that begins with the path.
  Result<int, std::string> open();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::string directory_;
  UniqueFd file_;
  std::string identity_;  ///< of what had the name when it was opened
};

/// One operation on the state files: a turn that processes give to one another by an flock() on `state.lock`, which the
/// kernel frees when its holder dies, and a count of operations that never came to their end.
///
/// A waiter looks again after short naps. The file counts the turns, so a waiter can tell a queue from a holder that
/// was stopped: as long as the count moves it waits on, and only when it has not moved for kBrief (or kExact) is there
/// trouble. SQLite's own waiting gives up by the clock, and 400 processes on two processors would lose their turns.
class StateLock {
 public:
  enum class Use { Read, Write };

  static constexpr Span kBrief = std::chrono::milliseconds(250);
  static constexpr Span kExact = std::chrono::seconds(5);
  static constexpr Span kLongestQueue = std::chrono::seconds(30);
  static constexpr std::uint32_t kMostCrashes = 3;

  /// `file` outlives it. `longest`: how long to wait while nobody else gets on.
  StateLock(StateLockFile& file, Use use, Span longest);
  ~StateLock();
  StateLock(const StateLock&) = delete;
  StateLock& operator=(const StateLock&) = delete;

  /// Why there is no turn, a sentence; empty: it is ours.
  [[nodiscard]] const std::string& error() const { return error_; }
  /// There is none only because another process has it for too long.
  [[nodiscard]] bool busy() const { return busy_; }
  /// Operations of the same use, right before this one, whose process died in the middle.
  [[nodiscard]] std::uint32_t crashes() const { return crashes_; }

 private:
  /// What stands in the file.
  struct Note {
    std::uint64_t turns = 0;
    std::array<std::uint32_t, 2> crashes{};  ///< by use: what reads must not hide that writes never end
    std::uint64_t sum = 0;                   ///< of the above
  };

  void wait(Span longest);
  [[nodiscard]] Note read() const;
  void write(Note note) const;

  const std::string& path_;
  std::size_t use_;
  int file_ = -1;
  bool busy_ = false;
  std::uint32_t crashes_ = 0;
  Note note_;
  std::string error_;
};

}  // namespace relaypipe
