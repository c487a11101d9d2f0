#pragma once

#include <setjmp.h>
#include <signal.h>

#include <array>
#include <cstddef>

namespace relaypipe {

/// Runs calls of LMDB so that a fault inside them comes back as a value. LMDB reads its file through a map: where the
/// file is damaged or shorter than it says, that is a signal and no error.
///
/// What is guarded must own nothing: a fault leaves it without destructors.
class LmdbGuard {
 public:
  static constexpr int kFault = -1;  ///< no value of LMDB's (those are below -30000) and none of errno

  /// What `call` returns, or kFault.
  template <class Call>
  static int run(const Call& call) {
    sigjmp_buf back;
    sigjmp_buf* const outer = target_;
    Handlers handlers;
    // The mask is kept too: the jump leaves a signal handler.
    if (sigsetjmp(back, 1) != 0) {
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

  /// Ours while it lives, then what was there before.
  class Handlers {
   public:
    Handlers() {
      struct sigaction ours {};
      ours.sa_handler = caught;
      sigemptyset(&ours.sa_mask);
      for (std::size_t i = 0; i < kSignals.size(); ++i)
        sigaction(kSignals[i], &ours, &before_[i]);
    }
    ~Handlers() {
      for (std::size_t i = 0; i < kSignals.size(); ++i)
        sigaction(kSignals[i], &before_[i], nullptr);
    }
    Handlers(const Handlers&) = delete;
    Handlers& operator=(const Handlers&) = delete;

   private:
    std::array<struct sigaction, kSignals.size()> before_{};
  };

  static void caught(int) { siglongjmp(*target_, 1); }

  static inline sigjmp_buf* target_ = nullptr;  // one thread per process, and signal handlers take no parameter
};

}  // namespace relaypipe
