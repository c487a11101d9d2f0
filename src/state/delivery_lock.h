#pragma once

#include <optional>
#include <string>
#include <vector>

namespace relaypipe {

/// One delivery at a time of one message to one recipient, over all processes. A restarted Postfix delivers a message
/// again at once while the delivery that it began before still runs (pipe(8) has died, the helper has not).
class DeliveryLock {
 public:
  virtual ~DeliveryLock() = default;
  enum class State {
    Ours,      ///< until release(), or the end of the process, however it ends
    Anothers,  ///< another process has one of them
  };
  /// Tries to take all `names` at once; does not wait. Where there can be no lock it is ours: trouble with the state
  /// stops no mail, and trouble() says why.
  virtual State take(const std::vector<std::string>& names) = 0;
  /// Gives all of them back: the delivery has ended, and the process goes on.
  virtual void release() = 0;
  [[nodiscard]] virtual std::optional<std::string> trouble() const = 0;
};

/// Where there is no state, every delivery is the only one.
class NoDeliveryLock final : public DeliveryLock {
 public:
  State take(const std::vector<std::string>&) override { return State::Ours; }
  void release() override {}
  [[nodiscard]] std::optional<std::string> trouble() const override { return std::nullopt; }
};

}  // namespace relaypipe
