#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/ids.h"
#include "deliver/observer.h"
#include "deliver/session.h"
#include "relay/credentials.h"

namespace relaypipe {

struct CurlAuth;
class CurlAttempt;
class CurlMulti;

/// Opens sessions with libcurl in CONNECT_ONLY mode: TCP, greeting, EHLO, STARTTLS and AUTH are libcurl's, everything
/// from MAIL on is ours. All attempts, and the sessions that came out of them, live in one multi handle.
///
/// Where the relay has an account the keyring is asked first, and the connection is then protected as credentials need
/// it (relay/protection.h), whatever the target says. A relay that refuses a token gets a new one once, over a new
/// connection. With HTTPS a session is ready when TLS is: its credentials go with it, for the requests.
class CurlDialer final : public Dialer, public Pollable {
 public:
  /// `trace` may be null. The keyring is to be served before the dialer, if it has to be served at all.
  CurlDialer(const Clock& clock, Keyring& keyring, Trace* trace);
  ~CurlDialer() override;
  CurlDialer(const CurlDialer&) = delete;
  CurlDialer& operator=(const CurlDialer&) = delete;

  void start(DialId id, const DialTarget& target) override;
  Stage cancel(DialId id) override;
  [[nodiscard]] Progress progress(DialId id) const override;
  std::vector<DialEvent> take_events() override;
  void credentials_refused(const Relay& relay) override { refused_.insert(relay.name); }

  Instant interests(std::vector<pollfd>& fds, Instant now) override;
  void serve(std::span<const pollfd> fds, Instant now) override;

 private:
  /// A target whose credentials are being looked for.
  struct Waiting {
    DialId id;
    DialTarget target;
    Instant since;
    Instant ends;
    std::optional<SessionFailure> refused;  ///< what the relay said to the token that is being renewed
  };

  void ask(DialId id, const DialTarget& target, std::optional<SessionFailure> refused);
  void take_answers();
  void answered(Waiting waiting, Credentials credentials);
  void answered_for_https(Waiting waiting, Credentials credentials);
  void open(DialId id, DialTarget target, std::optional<CurlAuth> auth);
  void finished(std::unique_ptr<CurlAttempt> attempt, DialEvent event);
  void collect_finished();
  void enforce_limits(Instant now);

  const Clock& clock_;
  Keyring& keyring_;
  Trace* trace_;
  std::set<std::string, std::less<>> refused_;  ///< relays whose token a request of ours was refused for
  std::vector<Waiting> waiting_;
  std::shared_ptr<CurlMulti> multi_;
  std::vector<std::unique_ptr<CurlAttempt>> attempts_;
  std::vector<DialEvent> events_;
};

}  // namespace relaypipe
