#pragma once

#include <cstddef>
#include <optional>
#include <variant>

#include "base/deadline.h"
#include "base/ids.h"
#include "deliver/candidates.h"
#include "deliver/session.h"
#include "route/lookup.h"
#include "verdict/attempt_result.h"

/// What a race is told and what it decides, as values.
namespace relaypipe::race {

/// An attempt that is being made. The winner is the one whose session is ready.
struct Running {
  DialId id;
  Candidate candidate;
  Peer peer;
  Instant started;
  Progress progress{};
  std::optional<Instant> overdue{};  ///< when something lower started because this one had made no progress

  [[nodiscard]] Instant last_step() const { return progress.step.value_or(started); }
};

// Events. A leg is named by its place in the plan.

/// An answer to a query.
struct Answered {
  Query query;
  Answer answer;
};
/// The history lets the leg be tried.
struct Admitted {
  std::size_t leg;
};
/// The history is to be asked again at that time.
struct Postponed {
  std::size_t leg;
  Instant until;
};
/// The history does not let the leg be tried.
struct NotAdmitted {
  std::size_t leg;
  Skipped why;
};
/// The history was told that the leg does not need any more what was taken for it: it has to be asked again before the
/// leg is tried again.
struct Released {
  std::size_t leg;
};
/// How far an attempt has come.
struct Progressed {
  DialId id;
  Progress progress;
};
/// An attempt led to no session.
struct Failed {
  DialId id;
  SessionFailure why;
};
/// A session is ready: it wins, and all other attempts are given up.
struct Ready {
  DialId id;
};
/// The winner's session ended before it was used: its endpoint is the next one to be dialled again.
struct Reopened {};
/// The winner's transaction did not settle the matter: its host is used up, and with it the leg, unless MX or SRV gave
/// it other hosts and mx_session_limit allows another session.
struct Spent {};
/// The delivery ends: what is still being opened was not ready in time.
struct Abandoned {};

using Event = std::variant<Answered, Admitted, Postponed, NotAdmitted, Released, Progressed, Failed, Ready, Reopened,
                           Spent, Abandoned>;

// Actions.

/// The query is to be asked.
struct Ask {
  Query query;
};
/// A session is to be opened.
struct Dial {
  DialId id;
  std::size_t leg;
  DialTarget target;
};
/// The attempt is to be given up; nothing more is expected of it.
struct GiveUp {
  DialId id;
};
/// The history is to be asked whether the leg may be tried: Admitted, Postponed or NotAdmitted answers it.
struct Admit {
  std::size_t leg;
  Duration waited;  ///< since it was first asked
};
/// An attempt has ended without a session that was used.
struct Report {
  Attempt attempt;
};

using Action = std::variant<Ask, Dial, GiveUp, Admit, Report>;

}  // namespace relaypipe::race
