#include "io/system/spool_reader.h"

#include <unistd.h>

#include <cerrno>

#include "io/base/error_text.h"

namespace relaypipe {

Instant SpoolReader::interests(std::vector<pollfd>& fds, Instant) {
  if (spool_.state() == Spool::State::Reading) fds.push_back({fd_, POLLIN, 0});
  return Instant::max();
}

void SpoolReader::serve(std::span<const pollfd> fds, Instant) {
  // The descriptor may be blocking (pipe(8) leaves it so): it is read only when poll() found something, and once.
  if (spool_.state() == Spool::State::Reading && found(fds, fd_) != 0) take_part();
}

void SpoolReader::take_part() {
  // On the heap and uninitialised: of so large an array on the stack every page is touched (-fstack-clash-protection),
  // and most messages fill one.
  if (!part_) part_ = std::make_unique_for_overwrite<Part>();
  const ssize_t count = ::read(fd_, part_->data(), part_->size());
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (count < 0) return spool_.fail("cannot read the message: " + error_text(errno));
  if (count == 0) return spool_.end();
  spool_.add({part_->data(), static_cast<std::size_t>(count)});
}

}  // namespace relaypipe
