#pragma once

namespace relaypipe {

/// Who started us, and whether they still want the result.
class Parent {
 public:
  virtual ~Parent() = default;
  enum class State {
    Present,
    Gone,  ///< nobody reads our result, or the parent is another one: pipe(8) is dead and the message still queued
    Terminating,  ///< a signal asked us to end
  };
  [[nodiscard]] virtual State state() = 0;
  /// A relay has taken the message: from now on, whatever happens, the result is a success.
  virtual void accepted() = 0;
};

}  // namespace relaypipe
