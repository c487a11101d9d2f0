#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/deadline.h"
#include "base/ids.h"
#include "base/random.h"
#include "deliver/session.h"
#include "route/endpoint_lookup.h"
#include "route/plan.h"
#include "verdict/attempt_result.h"

namespace relaypipe {

/// The staggered race to a ready session, as decisions over values: what to look up, dial and give up, and when to ask
/// again. It does none of it.
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
  struct Ask {
    Query query;
  };
  struct Dial {
    DialId id;
    DialTarget target;
  };
  struct GiveUp {
    DialId id;
  };  ///< to be answered by given_up()
  /// Whether the history lets the leg be tried; to be answered by admitted(), postponed() or skipped().
  struct Admit {
    std::size_t leg;
    Duration waited;  ///< since it was first asked for
  };
  using Act = std::variant<Ask, Dial, GiveUp, Admit>;
  using ProgressOf = std::function<Progress(DialId)>;

  Race(const RoutePlan& plan, const Settings& settings, const OwnHost& self, Random random);

  /// What to do now. To be asked again after every event, at wake(), and until there is nothing to do.
  std::vector<Act> advance(Instant now, const ProgressOf& progress_of);
  [[nodiscard]] Instant wake(Instant now) const;
  /// Nothing is running, and nothing is left to start.
  [[nodiscard]] bool exhausted() const;
  /// Whether a relay other than that of the last winner is left.
  [[nodiscard]] bool others_left() const;

  void answered(const Query& query, const Answer& answer, Instant now);
  void admitted(std::size_t leg);
  void postponed(std::size_t leg, Instant until);
  void skipped(std::size_t leg, Skipped why, Instant now);
  /// The history was told that the leg does not need any more what it took for it: before it is tried again it is asked
  /// for.
  void released(std::size_t leg);
  void failed(DialId id, const SessionFailure& why, Instant now);
  void given_up(DialId id, const Progress& progress, Instant now);
  /// The delivery ends: what is still being opened is recorded as not ready in time.
  void abandon(Instant now, const ProgressOf& progress_of);
  /// A session is ready: it wins. All others have to be given up.
  std::vector<Act> won(DialId id, Instant now);
  /// The winner's session ended before it was used: its endpoint is the next one to be dialled again.
  void reopen_winner(Instant now);
  /// The winner's transaction did not settle the matter: its host is used up, and with it the leg, unless MX or SRV
  /// gave it other hosts and mx_session_limit allows another session. The race goes on.
  void spend_winner(Instant now);

  /// The outcomes since the last call, oldest first.
  std::vector<Attempt> take_attempts() { return std::exchange(attempts_, {}); }
  /// Where, and since when, the winner was dialled.
  [[nodiscard]] const Peer& winner() const { return winner_->peer; }
  [[nodiscard]] Instant winner_started() const { return winner_->started; }
  [[nodiscard]] const Relay& winner_relay() const { return plan_->legs[winner_->candidate.leg].relay; }
  [[nodiscard]] std::size_t winner_leg() const { return winner_->candidate.leg; }
  /// Whether the leg has the winner, or can still lead to a session by itself, without being tried once more as the
  /// last resort.
  [[nodiscard]] bool open(std::size_t leg) const;

 private:
  struct Candidate {
    std::size_t leg;
    Endpoint endpoint;
    std::size_t rank = 0;     ///< among the leg's preferences, the best is 0: equal ones are tried side by side
    bool clear_text = false;  ///< TLS failed and is not required
    bool last_try = false;    ///< was displaced or superseded before: keeps its place from now on
  };
  struct Running {
    DialId id;
    Candidate candidate;
    Peer peer;
    Instant started;
    Progress progress{};
    std::optional<Instant> overdue{};  ///< when something lower started because this one had made no progress
    bool leaving = false;              ///< GiveUp was handed out

    [[nodiscard]] Instant last_step() const { return progress.step.value_or(started); }
  };
  enum class Phase { Waiting, Looking, Trying };
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

  void start_legs(Instant now, std::vector<Act>& acts);
  void look(std::size_t leg, Instant now, std::vector<Act>& acts);
  void skip_waiting(bool only_fallback);
  void note_progress(const ProgressOf& progress_of);
  void dial_due(Instant now, std::vector<Act>& acts);
  void dial_late(Instant now, std::vector<Act>& acts);
  void dial(Candidate candidate, Instant now, std::vector<Act>& acts);
  bool make_room(Instant now, std::vector<Act>& acts);
  bool may_try(std::size_t leg, Instant now, std::vector<Act>& acts);
  void queue_endpoints(std::size_t leg, const std::vector<Endpoint>& endpoints);
  void mark_overdue(std::size_t leg, Instant now);
  [[nodiscard]] Duration patience_of(std::size_t leg) const;
  [[nodiscard]] bool runs(std::size_t leg) const;
  [[nodiscard]] bool had_its_time(const Running& running, Instant now) const;
  [[nodiscard]] Instant queue_due(std::size_t leg) const;
  [[nodiscard]] std::size_t opening() const;
  [[nodiscard]] bool fresh_left() const;
  [[nodiscard]] Instant leg_due() const;
  std::optional<Running> take_running(DialId id);
  void drop(std::size_t leg, std::optional<std::size_t> host_index);

  const RoutePlan* plan_;
  const Settings* settings_;
  const OwnHost* self_;
  Random random_;
  std::vector<LegState> legs_;
  std::vector<Running> running_;
  std::deque<Candidate> late_;  ///< given up for others; the last resort
  std::optional<Running> winner_;
  std::vector<Attempt> attempts_;
  DialId next_id_ = 1;
};

}  // namespace relaypipe
