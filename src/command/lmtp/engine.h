#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "command/fleet/parts.h"
#include "command/lmtp/backlog_writer.h"
#include "command/lmtp/groups.h"
#include "command/lmtp/kept_places.h"
#include "command/token/token_parts.h"
#include "command/wiring/mail_log.h"
#include "command/wiring/request.h"
#include "command/wiring/state_parts.h"
#include "deliver/deliver.h"
#include "deliver/session_pool.h"
#include "io/cares_resolver.h"
#include "io/credentials/keyring.h"
#include "io/curl/dialer.h"
#include "io/pcre_matcher.h"
#include "io/system/lmtp_connection.h"
#include "io/system/parent_watch.h"
#include "io/system/poll_event_loop.h"
#include "io/system/spool.h"

namespace relaypipe {

/// What is to be done with a message.
struct LmtpTask {
  const Envelope& envelope;
  MessageSource& content;
  Instant started;
  bool verify = false;  ///< an address probe
};

/// Everything that deliveries under one configuration need, made once for many messages.
class LmtpEngine {
 public:
  /// The references outlive it. `nexthop` of all messages.
  LmtpEngine(LoadedConfiguration loaded, CommonArguments arguments, std::string nexthop, const Clock& clock,
             ParentWatch& parent, LmtpConnection& connection);
  ~LmtpEngine();
  LmtpEngine(const LmtpEngine&) = delete;
  LmtpEngine& operator=(const LmtpEngine&) = delete;

  /// A verdict for each recipient, in the order of the envelope. What a relay has accepted stays a success whatever
  /// breaks after it.
  std::vector<Verdict> deliver(const LmtpTask& task);
  /// After the results of a message are told: asks for more of the fleet's quotas, where that is due.
  void replied() { fleet_.start_refill(log_id_); }
  /// Before it is destroyed: what waits is written, and what must not be broken off is heard to its end, unless a
  /// signal asks us to end.
  void finish();

  [[nodiscard]] const RunSettings& settings() const { return settings_; }
  /// Whether every relay that the nexthop leads to announced DSN in the last session with it. Only then may we: Postfix
  /// leaves the reports to those who announce it, and sends one itself, "relayed", where nobody does (RFC 3461 5.2.3).
  bool relays_offer_dsn();
  /// Whether the files of the configuration are those that it was made from.
  [[nodiscard]] bool is_current() const;
  [[nodiscard]] EventLoop& event_loop() { return *event_loop_; }

 private:
  void deliver_group(const LmtpTask& task, const RecipientGroup& group, std::vector<std::optional<Verdict>>& verdicts);
  std::vector<Verdict> deliver_over(RoutePlan& plan, const LmtpTask& task, const Envelope& envelope, Parent& parent);
  [[nodiscard]] std::string configuration_stamp() const;
  [[nodiscard]] std::string session_key(const DialTarget& target) const;
  const OwnHost& own_host_for(const RoutePlan& plan);

  LoadedConfiguration loaded_;
  RunSettings settings_;  ///< a copy, whose deadline is one that lmtp(8) waits for
  std::string nexthop_;
  const Clock& clock_;
  ParentWatch& parent_;
  MailLog journal_;
  std::optional<TokenParts> tokens_;
  AccountKeyring keyring_;
  CurlDialer dialer_;
  StateParts state_;
  FleetParts fleet_;
  BacklogWriter backlog_;
  StoredPlaces places_;
  SessionPool pool_;
  CaresResolver resolver_;
  PcreMatcher patterns_;
  std::unique_ptr<PollEventLoop> event_loop_;
  std::string stamp_;  ///< of the configuration's files
  std::string sender_;
  std::string log_id_;  ///< of the last message
  OwnHost name_only_;
  std::optional<OwnHost> own_host_;
  std::list<RoutePlan> plans_;  ///< whose relays somebody may still point to
};

}  // namespace relaypipe
