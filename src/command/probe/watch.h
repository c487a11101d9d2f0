#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/deadline.h"
#include "command/probe/api_call.h"
#include "command/probe/result.h"
#include "deliver/observer.h"
#include "deliver/session.h"
#include "smtp/reply.h"
#include "smtp/stage.h"

namespace relaypipe {

/// One address while it is being probed.
struct RunningProbe {
  const Relay* relay = nullptr;
  AddressProbe probe;
  Instant started{};
  Instant since{};  ///< of the stage it stands at
  Stage stage = Stage::Connect;
  bool dialled = false;    ///< a connection was begun: without credentials there is none
  bool resetting = false;  ///< RSET was said, and ends it
  bool ended = false;
  std::unique_ptr<Session> session;  ///< while MAIL, RCPT and RSET are said
  ReplyParser parser;                ///< of their replies
  std::unique_ptr<ApiCall> call;     ///< with HTTPS

  /// Whether it has not connected, and hardly will.
  [[nodiscard]] bool is_stuck(Instant now) const;
  /// What makes a relay that works worth a look; `now` in seconds since 1970.
  [[nodiscard]] std::vector<std::string> warnings(std::int64_t now) const;
  /// Books the time of the stage that ends.
  void enter(Stage next, Instant now);
  void end(Instant now);
};
using RunningProbes = std::vector<std::unique_ptr<RunningProbe>>;

/// Follows every address: it is where the times, the greeting and the offers come from.
class ProbeWatch final : public Trace {
 public:
  ProbeWatch(const Clock& clock, RunningProbes& all) : clock_(clock), all_(all) {}

  /// Nobody reads the dialogue.
  void dialogue(const Peer&, Direction, std::string_view) override {}
  void reached(const Peer& peer, Stage stage) override;
  void secured(const Peer& peer, const TlsReport& report) override;
  void replied(const Peer& peer, Stage stage, const Reply& reply) override;

 private:
  RunningProbe* find(const Peer& peer);

  const Clock& clock_;
  RunningProbes& all_;
};

}  // namespace relaypipe
