#pragma once

#include <optional>
#include <string>
#include <vector>

#include "deliver/delivery_lock.h"

namespace relaypipe {

/// Record locks on `queue.lock` in the state directory: one octet per message and recipient, at a place that its name
/// decides (fcntl_locking(2), "Open file description locks"). The file stays empty, the kernel knows who holds what,
/// and a lock ends with its process.
class QueueLock final : public DeliveryLock {
 public:
  explicit QueueLock(const std::string& state_directory) : file_(state_directory + "/queue.lock") {}
  ~QueueLock() override;
  QueueLock(const QueueLock&) = delete;
  QueueLock& operator=(const QueueLock&) = delete;

  State take(const std::vector<std::string>& names) override;
  [[nodiscard]] std::optional<std::string> trouble() const override { return trouble_; }

 private:
  State fail(int error);

  std::string file_;
  std::optional<std::string> trouble_;
  int fd_ = -1;
};

}  // namespace relaypipe
