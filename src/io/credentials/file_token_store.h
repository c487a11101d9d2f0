#pragma once

#include <string>

#include "oauth/token_services.h"

namespace relaypipe {

/// Tokens as files in `tokens/` of the state directory: one per relay, with 0600 in a directory with 0700, replaced by
/// rename(2), so that no reader ever sees half of one. The lock is flock(2) on a file beside it, which ends with the
/// process whatever happens to it.
class FileTokenStore final : public TokenStore {
 public:
  explicit FileTokenStore(std::string state_directory)
      : state_directory_(std::move(state_directory)), directory_(state_directory_ + "/tokens") {}

  Result<std::optional<TokenRecord>, std::string> read(const std::string& relay) override;
  std::optional<std::string> write(const std::string& relay, const TokenRecord& record) override;
  Locking try_lock(const std::string& relay) override;

  [[nodiscard]] std::string file(const std::string& relay) const { return directory_ + "/" + relay + ".token"; }

 private:
  std::optional<std::string> make_directory() const;

  std::string state_directory_;
  std::string directory_;
};

}  // namespace relaypipe
