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
  /// How fresh an answer has to be.
  enum class Look {
    Recent,  ///< what the event loop saw when it last waited: nothing is asked for it
    Now,     ///< the system is asked again, for what cannot be taken back afterwards
  };
  [[nodiscard]] virtual State state(Look look) = 0;
  /// A relay has taken the message for these recipients, by their places in the envelope: from now on, whatever
  /// happens, their result is a success.
  virtual void accepted(std::span<const std::size_t> recipients) = 0;
};

}  // namespace relaypipe
