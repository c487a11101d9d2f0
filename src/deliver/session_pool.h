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

/// Keeps sessions open between messages: a dialer in front of another one. A target for which a session is kept is
/// ready at once; any other is dialled, and its session is kept when its transaction has left it in step.
///
/// Nobody else knows about it. A session that the relay closed while it was idle is dropped in silence, and dialled
/// anew; Session::is_used() tells that a loss before the reply to MAIL may be nothing more than that.
class SessionPool final : public Dialer, public Pollable {
 public:
  /// Sessions of one key are interchangeable: the key says all that they were opened with. Empty: they are not kept.
  using KeyOf = std::function<std::string(const DialTarget&)>;

  /// The references outlive it. The dialer is to be served before the pool.
  SessionPool(const Clock& clock, Dialer& dialer, KeyOf key_of);
  /// Says QUIT to all that are kept.
  ~SessionPool() override;
  SessionPool(const SessionPool&) = delete;
  SessionPool& operator=(const SessionPool&) = delete;

  void start(DialId id, const DialTarget& target) override;
  Stage cancel(DialId id) override;
  [[nodiscard]] Progress progress(DialId id) const override;
  std::vector<DialEvent> take_events() override;

  /// Drops what the relay closed, and says QUIT to what its time has come for.
  Instant interests(std::vector<pollfd>& fds, Instant now) override;
  void serve(std::span<const pollfd> fds, Instant now) override;

  [[nodiscard]] std::size_t idle() const { return idle_.size(); }

  /// A session, and what decides how long it is kept.
  struct Kept {
    std::unique_ptr<Session> session;
    std::string key;
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
  /// Whether a kept session can be used: later, when RSET has been answered, which takes no longer than a new session;
  /// never, when the relay has ended it.
  [[nodiscard]] Use use_of(Kept& kept) const;

  const Clock& clock_;
  Dialer& dialer_;
  KeyOf key_of_;
  std::map<DialId, Opening> openings_;
  std::map<DialId, Taken> taken_;          ///< their events are to be handed out
  std::list<std::shared_ptr<Kept>> idle_;  ///< the one used last comes first
};

}  // namespace relaypipe
