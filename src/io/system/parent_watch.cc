#include "io/system/parent_watch.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>

namespace relaypipe {
namespace {

/// Those that ask us to end, and those whose default is the death of the process: after the dot it would turn a message
/// that a relay has into a deferral, and into a second copy.
constexpr std::array kSignals{SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGXCPU, SIGPWR};

}  // namespace

ParentWatch::ParentWatch() : parent_(getppid()) {
  // A write to a closed connection is an error value, not a death.
  signal(SIGPIPE, SIG_IGN);
  // So is one beyond the file size limit, before the dot a deferral and after it nothing: pipe(8) ignores it too.
  signal(SIGXFSZ, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  for (const int number : kSignals)
    sigaddset(&set, number);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

ParentWatch::~ParentWatch() {
  if (signals_ >= 0) close(signals_);
}

Parent::State ParentWatch::state(Look look) {
  if (state_ == State::Present && look == Look::Now) {
    std::array<pollfd, 2> fds{{{STDOUT_FILENO, 0, 0}, {signals_, POLLIN, 0}}};
    poll(fds.data(), fds.size(), 0);
    read(fds);
  }
  return state_;
}

void ParentWatch::read(std::span<const pollfd> fds) {
  if ((found(fds, signals_) & POLLIN) != 0) state_ = State::Terminating;
  // Of lmtp(8)'s socket POLLHUP says that the other end is closed; a pipe's writing end never has it.
  const bool closed = (found(fds, STDOUT_FILENO) & (POLLERR | POLLHUP | POLLNVAL)) != 0;
  if (closed || getppid() != parent_) state_ = State::Gone;
}

Instant ParentWatch::interests(std::vector<pollfd>& fds, Instant) {
  // Once noticed, it would be found again and again.
  if (state_ == State::Present) {
    fds.push_back({STDOUT_FILENO, 0, 0});
    fds.push_back({signals_, POLLIN, 0});
  }
  return Instant::max();
}

void ParentWatch::serve(std::span<const pollfd> fds, Instant) {
  if (state_ == State::Present) read(fds);
}

}  // namespace relaypipe
