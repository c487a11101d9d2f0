#include "io/state/queue_lock.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>

#include "base/hash.h"
#include "io/base/error_text.h"
#include "io/state/file.h"

namespace relaypipe {
namespace {

/// One octet of the file, or all of it.
struct flock range(short type, off_t start, off_t length) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = start;
  lock.l_len = length;
  return lock;
}

off_t place_of(const std::string& name) {
  // Half of the places there are: two names at one place only make one wait for the other.
  return static_cast<off_t>(hash_octets(name) >> 2U);
}

}  // namespace

/// Closes the file: it may have been replaced by the time of the next delivery, and a lock on one that has no name any
/// more keeps nobody out.
void QueueLock::release() { file_.reset(); }

DeliveryLock::State QueueLock::fail(const std::string& why) {
  trouble_ = why;
  return State::Ours;
}

DeliveryLock::State QueueLock::take(const std::vector<std::string>& names) {
  if (trouble_ || names.empty()) return State::Ours;
  if (!file_) {
    auto opened = open_state_file(directory_, "queue.lock");
    if (!opened) return fail(opened.error());
    file_ = *std::move(opened);
  }
  for (const std::string& name : names) {
    struct flock lock = range(F_WRLCK, place_of(name), 1);
    if (fcntl(file_.get(), F_OFD_SETLK, &lock) == 0) continue;
    const int error = errno;
    // All or nothing: two deliveries that hold one each would wait for each other.
    release();
    if (error == EAGAIN || error == EACCES) return State::Anothers;
    return fail(fmt::format("{}/queue.lock: {}", directory_, error_text(error)));
  }
  return State::Ours;
}

}  // namespace relaypipe
