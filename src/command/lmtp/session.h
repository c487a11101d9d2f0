#pragma once

#include <memory>
#include <optional>
#include <string>

#include "command/lmtp/engine.h"
#include "command/wiring/options.h"
#include "io/system/lmtp_connection.h"
#include "io/system/parent_watch.h"
#include "io/system/system_clock.h"

namespace relaypipe {

/// One connection of lmtp(8), from the greeting to its end.
class LmtpSession {
 public:
  /// `usage`: what is wrong with the command line, if anything; then every message is deferred with it.
  LmtpSession(CommonArguments arguments, std::string nexthop, std::optional<std::string> usage);

  void run();

 private:
  LmtpEngine& engine();
  void handle(const LmtpMessage& message);
  void handle(const LmtpProbe& probe);
  void answer(const std::vector<Verdict>& verdicts);
  std::vector<Verdict> deliver(const LmtpTask& task);
  bool may_end();

  CommonArguments arguments_;
  std::string nexthop_;
  std::optional<std::string> usage_;
  SystemClock clock_;
  Instant started_;
  ParentWatch parent_;
  LmtpConnection connection_;
  std::unique_ptr<LmtpEngine> engine_;
};

}  // namespace relaypipe
