#pragma once

#include <cstddef>
#include <span>

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
  /// A relay has taken the message for these recipients, by their places in the envelope: from now on, whatever
  /// happens, their result is a success.
  virtual void accepted(std::span<const std::size_t> recipients) = 0;
};

}  // namespace relaypipe
