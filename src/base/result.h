#pragma once

#include <utility>
#include <variant>

namespace relaypipe {

/// The wrapper that tells a failure from a value of the same type: `return fail(problem);`.
template <class E>
struct Failure {
  E error;
};

template <class E>
Failure<std::decay_t<E>> fail(E&& error) {
  return {std::forward<E>(error)};
}

/// A value, or the reason why there is none. Expected failures travel as values; an exception means a broken
/// assumption of ours and ends in the one catch-all of main(), which defers. (std::expected comes with C++23.)
template <class T, class E>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Failure<E> failure) : state_(std::in_place_index<1>, std::move(failure.error)) {}

  explicit operator bool() const { return state_.index() == 0; }

  /// The value. Only where the Result is true; otherwise throws std::bad_variant_access.
  const T& operator*() const& { return std::get<0>(state_); }
  T& operator*() & { return std::get<0>(state_); }
  T operator*() && { return std::get<0>(std::move(state_)); }
  const T* operator->() const { return &std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }

  /// The reason. Only where the Result is false; otherwise throws std::bad_variant_access.
  const E& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, E> state_;
};

}  // namespace relaypipe
