#include "io/system/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "io/base/error_text.h"

namespace relaypipe {
namespace {

constexpr std::size_t kWindow = 64UL * 1024;

}  // namespace

Spool::Spool(Limits limits) : limits_(std::move(limits)), encoder_(limits_.line_length) {}

void Spool::add(std::string_view octets) {
  if (state_ != State::Reading) return;
  encoder_.feed(octets, memory_);
  if (file_ || memory_.size() > limits_.memory) spill();
}

void Spool::end() {
  if (state_ != State::Reading) return;
  encoder_.finish(memory_);
  if (file_) spill();
  if (state_ != State::Failed) state_ = State::Complete;
}

/// Moves what is in memory to the end of the file.
void Spool::spill() {
  if (!file_ && !open_file()) return;
  std::string_view rest = memory_;
  while (!rest.empty()) {
    const ssize_t count = write(file_.get(), rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail("cannot write to a file in " + limits_.directory + ": " + error_text(errno));
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  memory_.clear();
}

bool Spool::open_file() {
  file_.reset(open(limits_.directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600));
  if (!file_ && (errno == EOPNOTSUPP || errno == EISDIR)) {
    // A file system without nameless files: make a named one and take the name away.
    std::string name = limits_.directory + "/relaypipe.XXXXXX";
    file_.reset(mkostemp(name.data(), O_CLOEXEC));
    if (file_) unlink(name.c_str());
  }
  if (file_) return true;
  fail("cannot make a file in " + limits_.directory + ": " + error_text(errno));
  return false;
}

void Spool::fail(const std::string& why) {
  state_ = State::Failed;
  failure_ = why;
}

std::string_view Spool::read(std::uint64_t offset) {
  if (!file_) return std::string_view(memory_).substr(offset, kWindow);
  window_.resize(kWindow);
  const ssize_t count = pread(file_.get(), window_.data(), window_.size(), static_cast<off_t>(offset));
  return {window_.data(), count > 0 ? static_cast<std::size_t>(count) : 0U};
}

}  // namespace relaypipe
