#include "io/state/lock.h"

#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <ctime>

#include "base/hash.h"
#include "io/base/error_text.h"
#include "io/base/file_stamp.h"
#include "io/state/file.h"

namespace relaypipe {
namespace {

using Nap = std::chrono::microseconds;

constexpr Nap kFirstNap(100);  // about what an operation takes
constexpr Nap kLongestNap(5000);

void sleep_for(Nap nap) {
  const timespec rest{0, static_cast<long>(std::chrono::nanoseconds(nap).count())};
  nanosleep(&rest, nullptr);
}

}  // namespace

Result<int, std::string> StateLockFile::open() {
  std::string identity = file_identity(path_);
  if (file_ && identity == identity_) return file_.get();
  // Asked for before the file is opened: where another one gets the name in between, the next turn opens that.
  identity_ = std::move(identity);
  file_.reset();
  auto opened = open_state_file(directory_, "state.lock");
  if (!opened) return fail(opened.error());
  file_ = *std::move(opened);
  return file_.get();
}

StateLock::StateLock(StateLockFile& file, Use use, Span longest) : path_(file.path()), use_(use == Use::Read ? 0 : 1) {
  const auto opened = file.open();
  if (!opened) {
    error_ = opened.error();
    return;
  }
  file_ = *opened;
  wait(longest);
  if (!error_.empty()) return;
  note_ = read();
  crashes_ = note_.crashes[use_];
  ++note_.turns;
  Note begun = note_;
  ++begun.crashes[use_];
  write(begun);
}

StateLock::~StateLock() {
  if (!error_.empty()) return;
  note_.crashes[use_] = 0;
  write(note_);
  flock(file_, LOCK_UN);
}

/// The naps are counted, not the clock: on a machine that is short of processors they take longer, and so does
/// everything the holder does.
void StateLock::wait(Span longest) {
  Nap waited{};
  Nap total{};
  std::uint64_t turns = 0;
  for (Nap nap = kFirstNap; flock(file_, LOCK_EX | LOCK_NB) != 0; nap = std::min(2 * nap, kLongestNap)) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      error_ = fmt::format("{}: {}", path_, error_text(errno));
      return;
    }
    if (total == Nap(0)) turns = read().turns;
    if (waited >= longest) {
      const std::uint64_t seen = read().turns;
      busy_ = seen == turns || total >= kLongestQueue || longest == Span(0);
      if (busy_) {
        error_ = fmt::format("{}: another process holds it for more than {} ms", path_, longest.count());
        return;
      }
      turns = seen;
      waited = Nap(0);
    }
    sleep_for(nap);
    waited += nap;
    total += nap;
  }
}

StateLock::Note StateLock::read() const {
  Note note;
  const bool whole = pread(file_, &note, sizeof note, 0) == static_cast<ssize_t>(sizeof note);
  const std::string_view summed(reinterpret_cast<const char*>(&note), offsetof(Note, sum));
  return whole && note.sum == hash_octets(summed) ? note : Note();
}

/// On a full disk the file stays what it was: it has its octets from its first day.
void StateLock::write(Note note) const {
  note.sum = hash_octets({reinterpret_cast<const char*>(&note), offsetof(Note, sum)});
  if (pwrite(file_, &note, sizeof note, 0) != static_cast<ssize_t>(sizeof note)) return;
}

}  // namespace relaypipe
