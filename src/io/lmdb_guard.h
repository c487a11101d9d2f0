#pragma once

#include <setjmp.h>
#include <signal.h>

#include <array>
#include <cstddef>

namespace relaypipe {

/// While one lives, calls of LMDB can be run so that a fault inside them comes back as a value. LMDB reads its file
/// through a map: where the file is damaged or shorter than it says, that is a signal and no error.
///
/// The handlers stand for a whole operation, not for each call: six system calls each time would cost more than LMDB
/// does. A fault outside of run() is none of LMDB's and goes to whoever handled it before.
class LmdbGuard {
 public:
  static constexpr int kFault = -1;  ///< no value of LMDB's (those are below -30000) and none of errno

  LmdbGuard() {
    struct sigaction ours {};
    ours.sa_handler = caught;
    // Not blocked meanwhile, so that the jump has no mask to restore, which is a system call as well.
    ours.sa_flags = SA_NODEFER;
    sigemptyset(&ours.sa_mask);
    for (std::size_t i = 0; i < kSignals.size(); ++i)
      sigaction(kSignals[i], &ours, &before_[i]);
  }
  ~LmdbGuard() { hand_back(); }
  LmdbGuard(const LmdbGuard&) = delete;
  LmdbGuard& operator=(const LmdbGuard&) = delete;

  /// What `call` returns, or kFault. What is guarded must own nothing: a fault leaves it without destructors.
  template <class Call>
  static int run(const Call& call) {
    sigjmp_buf back;
    sigjmp_buf* const outer = target_;
    if (sigsetjmp(back, 0) != 0) {
      target_ = outer;
      return kFault;
    }
    target_ = &back;
    const int result = call();
    target_ = outer;
    return result;
  }

  /// For LMDB's failed assertions, which would abort.
  [[noreturn]] static void jump() { siglongjmp(*target_, 1); }
  static bool armed() { return target_ != nullptr; }

 private:
  static constexpr std::array<int, 3> kSignals{SIGBUS, SIGSEGV, SIGFPE};

  static void hand_back() {
    for (std::size_t i = 0; i < kSignals.size(); ++i)
      sigaction(kSignals[i], &before_[i], nullptr);
  }

  static void caught(int) {
    if (armed()) jump();
    hand_back();  // The faulty instruction runs once more, and its signal is delivered as if we were not there.
  }

  // One thread per process, one operation at a time, and signal handlers take no parameter.
  static inline std::array<struct sigaction, kSignals.size()> before_{};
  static inline sigjmp_buf* target_ = nullptr;
};

}  // namespace relaypipe
