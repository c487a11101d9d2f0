#pragma once

#include <unistd.h>

#include <utility>

namespace relaypipe {

/// Owns a file descriptor, or none (a negative one, as open(2) returns where it fails).
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  ~UniqueFd() { reset(); }
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;

  [[nodiscard]] int get() const { return fd_; }
  /// Whether it owns one.
  explicit operator bool() const { return fd_ >= 0; }
  /// Closes what it owns, and owns `fd` from now on. errno may change.
  void reset(int fd = -1) {
    // Not again after EINTR: on Linux the number is free by then, and may be another's.
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace relaypipe
