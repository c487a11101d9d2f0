#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/base/unique_fd.h"
#include "state/delivery_lock.h"

namespace relaypipe {

/// Record locks on `queue.lock` in the state directory: one octet per message and recipient, at a place that its name
/// decides (fcntl_locking(2), "Open file description locks"). The file stays empty, the kernel knows who holds what,
/// and a lock ends with its process.
class QueueLock final : public DeliveryLock {
 public:
  explicit QueueLock(std::string state_directory) : directory_(std::move(state_directory)) {}

  State take(const std::vector<std::string>& names) override;
  void release() override;
  [[nodiscard]] std::optional<std::string> trouble() const override { return trouble_; }

 private:
  State fail(const std::string& why);

  std::string directory_;
  std::optional<std::string> trouble_;
  UniqueFd file_;
};

}  // namespace relaypipe
