#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "deliver/session.h"

namespace relaypipe {

/// The places of kept sessions among the connections that their relays may have (`connections`).
class KeptPlaces {
 public:
  virtual ~KeptPlaces() = default;
  /// Whether another delivery waits for the place of the session that is kept with the relay.
  virtual bool is_wanted(const std::string& relay) = 0;
  /// The session that was kept with the relay is closed.
  virtual void closed(const std::string& relay) = 0;
};

/// Keeps sessions open between messages: a dialer in front of another one. A target for which a session is kept is
/// ready at once; any other is dialled, and its session is kept when its transaction has left it in step.
///
/// Nobody else knows about it. A session that the relay closed while it was idle is dropped in silence, and dialled
/// anew; Session::is_used() tells that a loss before the reply to MAIL may be nothing more than that.
///
/// With a relay that may have only so many connections at most one session is kept, and given up where its place is
/// wanted.
class SessionPool final : public Dialer, public Pollable {
 public:
  /// Sessions of one key are interchangeable: the key says all that they were opened with. Empty: they are not kept.
  using KeyOf = std::function<std::string(const DialTarget&)>;

  /// The references outlive it. The dialer is to be served before the pool. Without `places` no relay has a limit.
  SessionPool(const Clock& clock, Dialer& dialer, KeyOf key_of, KeptPlaces* places = nullptr);
  /// Says QUIT to all that are kept.
  ~SessionPool() override;
  SessionPool(const SessionPool&) = delete;
  SessionPool& operator=(const SessionPool&) = delete;

  void start(DialId id, const DialTarget& target) override;
  Stage cancel(DialId id) override;
  [[nodiscard]] Progress progress(DialId id) const override;
  std::vector<DialEvent> take_events() override;
  void credentials_refused(const Relay& relay) override { dialer_.credentials_refused(relay); }

  /// Drops what the relay closed, and says QUIT to what its time has come for.
  Instant interests(std::vector<pollfd>& fds, Instant now) override;
  void serve(std::span<const pollfd> fds, Instant now) override;

  [[nodiscard]] std::size_t idle() const { return idle_.size(); }
  /// Whether a session with a relay, by its name, is kept.
  [[nodiscard]] bool keeps(const std::string& relay) const;

  /// A session, and what decides how long it is kept.
  struct Kept {
    std::unique_ptr<Session> session;
    std::string key;
    std::string relay;  ///< its name, where its place is one of the connections that the relay may have; else empty
    SessionLimits limits;
    Instant ready;
    Instant used{};
    std::uint64_t transactions = 0;
    bool resetting = false;  ///< the reply to RSET is to come
  };
  /// A session's user has finished with it.
  void put_back(std::shared_ptr<Kept> kept, SessionEnd end);
  /// Whether a session will be kept after its present transaction.
  [[nodiscard]] bool will_keep(const Kept& kept) const;

 private:
  struct Opening {
    std::string key;
    std::string relay;
    SessionLimits limits;
  };
  /// A kept session that somebody waits for.
  struct Taken {
    std::shared_ptr<Kept> kept;
    DialTarget target;  ///< to be dialled where it turns out to be over
    Instant since;
  };
  enum class Use { Now, Later, Never };

  void dial(DialId id, const DialTarget& target, std::string key);
  std::vector<DialEvent> take_kept();
  std::shared_ptr<Kept> take(const std::string& key);
  void close_kept(const std::string& relay);
  [[nodiscard]] bool is_over_age(const Kept& kept, Instant now) const;
  /// Whether a kept session can be used: later, when RSET has been answered, which takes no longer than a new session;
  /// never, when the relay has ended it.
  [[nodiscard]] Use use_of(Kept& kept) const;

  const Clock& clock_;
  Dialer& dialer_;
  KeyOf key_of_;
  KeptPlaces* places_;
  Instant looked_{};  ///< whether a place is wanted
  std::map<DialId, Opening> openings_;
  std::map<DialId, Taken> taken_;          ///< their events are to be handed out
  std::list<std::shared_ptr<Kept>> idle_;  ///< the one used last comes first
};

}  // namespace relaypipe
