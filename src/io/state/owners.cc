#include "io/state/owners.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <cerrno>

#include "io/base/error_text.h"
#include "io/state/file.h"

namespace relaypipe {
namespace {

/// The octet that stands for an owner. Places are positive and below the end of the longest file.
struct flock place_of(const Owner& owner) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(owner.token);
  lock.l_len = 1;
  return lock;
}

Owner random_owner() {
  Owner owner;
  while (owner.token == 0) {
    if (getrandom(&owner.token, sizeof owner.token, 0) != static_cast<ssize_t>(sizeof owner.token)) continue;
    owner.token >>= 2U;
  }
  return owner;
}

}  // namespace

bool StateOwners::open() {
  if (file_) return true;
  if (trouble_) return false;
  auto opened = open_state_file(directory_, "owners.lock");
  if (opened)
    file_ = *std::move(opened);
  else
    trouble_ = opened.error();
  return static_cast<bool>(file_);
}

Owner StateOwners::self() {
  if (self_.token != 0) return self_;
  self_ = random_owner();
  if (!open()) return self_;
  // Another process has the same number with a chance of 2^-62 for each that runs.
  struct flock lock = place_of(self_);
  if (fcntl(file_.get(), F_OFD_SETLK, &lock) != 0) {
    trouble_ = fmt::format("{}/owners.lock: {}", directory_, error_text(errno));
  }
  return self_;
}

bool StateOwners::alive(const Owner& owner) {
  if (owner.token == 0 || owner.token > (UINT64_MAX >> 2U)) return false;
  if (owner == self_) return true;
  if (!open()) return false;
  struct flock lock = place_of(owner);
  return fcntl(file_.get(), F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

}  // namespace relaypipe
