#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <string>

#include "io/lmdb_guard.h"
#include "io/lmdb_state_store.h"

namespace relaypipe {

/// How an operation leaves the file, as far as the system tells. Whoever finds it like that knows that nobody else has
/// touched it since.
struct Seal {
  std::uint64_t inode = 0;
  std::uint64_t octets = 0;
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;

  static Seal of(const struct stat& status) {
    return {status.st_ino, static_cast<std::uint64_t>(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
  }
  friend bool operator==(const Seal&, const Seal&) = default;
};

/// One operation: the exclusive right to touch the file, the count of those who died while they had it, what the last
/// one left, and the guard of the calls of LMDB.
class LmdbLock {
 public:
  LmdbLock(const std::string& lock_file, const std::string& file) : file_(file) {
    fd_ = open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd_ < 0) {
      error_ = errno;
      return;
    }
    wait();
    if (error_ == 0) begin();
  }
  ~LmdbLock() {
    if (fd_ < 0) return;
    if (error_ == 0) end();
    close(fd_);
  }
  LmdbLock(const LmdbLock&) = delete;
  LmdbLock& operator=(const LmdbLock&) = delete;

  [[nodiscard]] int error() const { return error_; }
  /// Operations right before this one that never came to their end.
  [[nodiscard]] int crashes() const { return crashes_; }
  /// Whether the pages of the open file are known to be sound: this operation has looked, or the last one left it so.
  [[nodiscard]] bool sound(const struct stat& status) const {
    return vouched_inode_ == status.st_ino || (crashes_ == 0 && Seal::of(status) == note_.seal);
  }
  /// Those of this file were looked at, or are as they were left.
  void vouch(const struct stat& status) { vouched_inode_ = status.st_ino; }

 private:
  /// What stands in the lock file.
  struct Note {
    std::uint64_t crashes = 0;
    Seal seal;
  };

  void wait() {
    // flock() has no limit of its own; its holders need microseconds, so short naps lose little.
    Span waited{};
    for (Span nap(0); flock(fd_, LOCK_EX | LOCK_NB) != 0;) {
      if (errno != EWOULDBLOCK && errno != EINTR) {
        error_ = errno;
        return;
      }
      if (waited >= LmdbStateStore::kLongestWait) {
        error_ = EWOULDBLOCK;
        return;
      }
      const timespec rest{0, nap == Span(0) ? 100'000 : 1'000'000 * nap.count()};
      nanosleep(&rest, nullptr);
      waited += nap == Span(0) ? Span(1) : nap;
      nap = std::min(nap + Span(1), Span(5));
    }
  }
  void begin() {
    // Shorter than that it has no seal yet.
    std::array<char, sizeof(Note)> octets{};
    if (pread(fd_, octets.data(), octets.size(), 0) > 0) std::memcpy(&note_, octets.data(), octets.size());
    crashes_ = static_cast<int>(std::min<std::uint64_t>(note_.crashes, 100));
    Note begun = note_;
    begun.crashes = static_cast<std::uint64_t>(crashes_) + 1;
    write(begun);
  }
  void end() {
    Note ended = note_;
    ended.crashes = 0;
    ended.seal = seal();
    write(ended);
  }

  /// What nobody has vouched for gets none, nor what cannot be given the time of change that a seal needs. A change
  /// leaves the time of the kernel's last tick (some milliseconds), which a later change may share; so the file is
  /// given one between the ticks, which no change brings back.
  [[nodiscard]] Seal seal() const {
    struct stat status {};
    if (vouched_inode_ == 0) return note_.seal;
    if (stat(file_.c_str(), &status) != 0 || status.st_ino != vouched_inode_) return {};
    if (Seal::of(status) == note_.seal) return note_.seal;
    std::array<timespec, 2> times{};
    times[0].tv_nsec = UTIME_OMIT;
    clock_gettime(CLOCK_REALTIME, &times[1]);
    if (utimensat(AT_FDCWD, file_.c_str(), times.data(), 0) != 0 || stat(file_.c_str(), &status) != 0) return {};
    const bool kept = status.st_mtim.tv_sec == times[1].tv_sec && status.st_mtim.tv_nsec == times[1].tv_nsec;
    return kept && status.st_ino == vouched_inode_ ? Seal::of(status) : Seal{};
  }

  void write(const Note& note) const {
    // On a full disk it stays what it was; the file has its octets from its first day.
    if (pwrite(fd_, &note, sizeof note, 0) != static_cast<ssize_t>(sizeof note)) return;
  }

  const std::string& file_;
  Note note_;
  ino_t vouched_inode_ = 0;
  int fd_ = -1;
  int error_ = 0;
  int crashes_ = 0;
  LmdbGuard guard_;
};

}  // namespace relaypipe
