#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "route/plan.h"
#include "state/change.h"
#include "state/health_update.h"
#include "state/history_services.h"
#include "state/message_record.h"
#include "state/relay_history.h"
#include "state/store.h"
#include "verdict/classify.h"

namespace relaypipe {

/// What one delivery knows of the relays and of its own message from all others, and what it leaves to them. Its three
/// verbs are the store's narrow door: one look when the plan is made, one reservation before a leg is tried where its
/// relay asks for one, and a record when something is known that others can use at once. The decisions are in
/// relay_history.cc and health_event.cc.
class DeliveryHistory {
 public:
  /// `end` of the delivery. The references outlive it.
  DeliveryHistory(HistoryServices services, const Envelope& envelope, Instant end);

  [[nodiscard]] WallTime now() const { return services_.wall.now(); }

  /// One look at everything: orders the plan by what is known of its relays.
  void open(RoutePlan& plan);

  /// What earlier deliveries of this very message left, one for each recipient of whom there is something; as of
  /// open().
  [[nodiscard]] const std::vector<MessageState>& message() const { return message_; }

  /// Asks for a leg, and takes what it needs. For Later, `at` is on the monotonic clock.
  struct Answer {
    Admission::Kind kind = Admission::Kind::Go;
    Instant at{};
    Skipped why;
  };
  Answer admit(const Leg& leg, Duration waited);

  /// An attempt at the relay has come to another stage: whoever waits for what this delivery finds waits on.
  void progressed(const Leg& leg);
  /// A session with the relay became ready.
  void ready(const Leg& leg, const Peer& peer, const ReadySession& session);
  /// What an attempt showed. `used_up`: the relay has no address left that could do better. `broken_off`: it ended as
  /// it did because this delivery has to stop, so nothing follows from it for the relay.
  void record(const Leg& leg, const ClassifiedAttempt& classified, Instant began, bool used_up,
              bool broken_off = false);
  /// The leg is not being tried at the moment: whatever was taken for it is free for others.
  /// False: nothing was.
  bool release(const Leg& leg);
  /// From the dot on: what a later delivery of this message has to know of an attempt. `useful` says for how long.
  void remember_message(MessageState::Kind kind, const Attempt& attempt, std::uint64_t content, Span useful);
  /// Writes the pending updates, in one transaction; does nothing where there is nothing.
  void flush();

 private:
  /// What this delivery has to do with one relay.
  struct PendingUpdates {
    const Relay* relay = nullptr;
    bool tried = false;          ///< by this delivery, whatever came of it
    bool taken = false;          ///< a place, or the right to look
    bool looks = false;          ///< whether it is the right to look
    Instant looked{};            ///< when that was last written
    bool over = false;           ///< what was taken is not needed any more
    std::uint64_t accepted = 0;  ///< recipients
    std::vector<HealthUpdate> updates;

    /// They are told, and what was taken and is over is given back.
    void told();
  };

  Admission ask_admission(const Leg& leg, Duration waited, bool asked);
  void refill_where_due(const Relay& relay, Allowance& allowance, bool changed, WallTime now);
  void look_for_facts(const Relay& relay, const FleetShare& share, WallTime now);
  PendingUpdates& pending(const Relay& relay);
  bool leave_for_later(PendingUpdates& pending);
  void add_update(const Relay& relay, HealthUpdate update);
  HealthEvent event_at(HealthEvent::Kind kind, Instant began) const;
  HealthEvent shown(const Relay& relay, const ClassifiedAttempt& classified, Instant began, bool broken_off) const;
  void add_stamps(HealthEvent& event, const Relay& relay) const;
  void add_keys(std::vector<std::string>& keys, const std::string& relay) const;
  void know_self();
  [[nodiscard]] Context around();
  /// Until when the session that an attempt at the relay left is kept, and its place with it.
  [[nodiscard]] KeptUntil kept_until(const Relay& relay, WallTime now) const;
  void apply(const PendingUpdates& pending, std::span<StateValue> values, std::vector<Change>& changes);
  void read_messages(std::span<const std::string> records);
  void bring_back(const RoutePlan& plan, const Context& here);
  void write_messages(std::vector<StateValue>& values, std::size_t first);

  HistoryServices services_;
  const Envelope& envelope_;
  std::vector<std::string> domains_;  ///< of its recipients
  Instant end_;
  Owner self_;  ///< nobody, until something is taken
  std::map<std::string, PendingUpdates> pending_;
  std::set<std::string> calm_;  ///< relays of which one more acceptance is no news, by name
  std::vector<MessageState> message_;
  std::vector<MessageState> outgoing_;  ///< what is to be kept of this message
  WallTime outgoing_until_ = kNever;
};

}  // namespace relaypipe
