#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "base/deadline.h"
#include "base/ids.h"
#include "base/random.h"
#include "deliver/candidates.h"
#include "deliver/race_events.h"
#include "route/endpoint_lookup.h"
#include "route/plan.h"

namespace relaypipe {

/// The staggered race to a ready session: events go in, decisions come out. It does none of what it decides.
///
/// The first leg starts at once; the next one when all before it have failed or have made no progress for their
/// `patience`. Progress is a completed step: a name that was found, the connection, TLS, every whole reply. Inside a
/// leg the same holds between MX preferences and SRV priorities; the next address of one host, or of equal preference,
/// starts when the last one failed or `address_patience` has passed (RFC 8305 section 5). The first ready session wins.
/// At most `max_sessions` are being opened at a time: beyond that a newcomer takes the place of the oldest that has
/// made no progress for its time, which is then tried again when nothing new is left, and not displaced any more: so
/// what comes last gets the long limits. An attempt that another one superseded has not failed: its leg is not used up.
class Race {
 public:
  using Running = race::Running;

  /// The references outlive it.
  Race(const RoutePlan& plan, const RunSettings& settings, const OwnHost& self, Random random);

  /// Takes notice of an event.
  void on(race::Event event, Instant now);
  /// What to do now: to be asked after events, at wake(), and until there is nothing to do. Nothing new starts while
  /// there is a winner.
  std::vector<race::Action> advance(Instant now);
  [[nodiscard]] Instant wake(Instant now) const;

  /// Nothing is running, and nothing is left to start.
  [[nodiscard]] bool exhausted() const;
  /// Whether a relay other than that of the winner is left.
  [[nodiscard]] bool others_left() const;
  /// Whether the leg has the winner, or can still lead to a session by itself, without being tried once more as the
  /// last resort.
  [[nodiscard]] bool open(std::size_t leg) const;
  /// From Ready until Reopened or Spent.
  [[nodiscard]] const Running& winner() const { return *winner_; }

 private:
  enum class Phase { Waiting, Looking, Trying, Done };
  enum class Leave {
    Wanted,  ///< the history has to be asked
    Asked,
    Given,
  };
  struct LegState {
    Phase phase = Phase::Waiting;
    Leave leave = Leave::Given;
    std::optional<Instant> asked{};  ///< when the history was first asked
    Instant ask_again{};
    Instant started{};
    Instant progress{};  ///< the last step of any attempt; or the start of one that no other ran beside
    Instant next_due{};  ///< of the next address of the same rank
    std::optional<EndpointLookup> lookup;
    std::deque<Candidate> queue;
    std::size_t rank = 0;  ///< of the last one dialled
    std::size_t sessions = 0;
  };

  void apply(const race::Answered& event, Instant now);
  void apply(const race::Admitted& event, Instant now);
  void apply(const race::Postponed& event, Instant now);
  void apply(race::NotAdmitted& event, Instant now);
  void apply(const race::Released& event, Instant now);
  void apply(const race::Progressed& event, Instant now);
  void apply(race::Failed& event, Instant now);
  void apply(const race::Ready& event, Instant now);
  void apply(const race::Reopened& event, Instant now);
  void apply(const race::Spent& event, Instant now);
  void apply(const race::Abandoned& event, Instant now);

  void start_legs(Instant now);
  void look(std::size_t leg, Instant now);
  void skip_waiting(bool only_fallback);
  void dial_due(Instant now);
  void dial_late(Instant now);
  void dial(Candidate candidate, Instant now);
  bool make_room(Instant now);
  void give_up(Running running, Instant now);
  void report(std::size_t leg, Peer peer, AttemptResult what, Duration took);
  bool may_try(std::size_t leg, Instant now);
  void mark_overdue(std::size_t leg, Instant now);
  [[nodiscard]] Duration patience_of(std::size_t leg) const;
  [[nodiscard]] bool runs(std::size_t leg) const;
  [[nodiscard]] bool had_its_time(const Running& running, Instant now) const;
  [[nodiscard]] Instant queue_due(std::size_t leg) const;
  [[nodiscard]] bool fresh_left() const;
  [[nodiscard]] Instant leg_due() const;
  std::optional<Running> take_running(DialId id);
  void drop(std::size_t leg, std::optional<std::size_t> host_index);

  const RoutePlan* plan_;
  const RunSettings* settings_;
  const OwnHost* self_;
  Random random_;
  std::vector<LegState> legs_;
  std::vector<Running> running_;
  std::deque<Candidate> late_;  ///< given up for others; the last resort
  std::optional<Running> winner_;
  std::vector<race::Action> actions_;  ///< decided, and not handed out yet
  DialId next_id_ = 1;
  bool over_ = false;  ///< nothing starts any more
};

}  // namespace relaypipe
