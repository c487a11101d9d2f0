#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "smtp/enhanced_status.h"
#include "verdict/attempt_result.h"
#include "verdict/classify.h"

namespace relaypipe {

/// What happens to the recipients of the request, in Postfix's words (`verdict=` in our log). pipe(8) takes one for all
/// of them.
enum class Disposition { Delivered, Deferred, Bounced };

/// The result of the whole delivery.
struct Verdict {
  Disposition disposition = Disposition::Deferred;
  EnhancedStatus status{4, 3, 0};
  std::string text;              ///< one printable line without D.S.N; senders may read it in a delay notice
  Peer peer;                     ///< of the decisive attempt; empty when none was made
  std::string detail = {};       ///< `text` with the paths of our own files, for the log; empty: the same
  Cause cause = Cause::Unknown;  ///< of the decisive attempt

  /// What the log says: `text`, or more.
  [[nodiscard]] const std::string& log_text() const { return detail.empty() ? text : detail; }
};

/// What ended a delivery other than the relays.
enum class Halt {
  DeadlinePassed,
  Terminated,   ///< a signal asked us to end
  ParentGone,   ///< pipe(8) is gone: Postfix delivers the message again
  Truncated,    ///< the content ended before its announced size
  SpoolFailed,  ///< the content could not be kept
};

/// The verdict when the plan is used up or an outcome decided. A hard refusal that stops stands as it is: it names the
/// message or the recipient. One that leaves the next relay a chance (it names neither, or only the sender; too big for
/// this relay) is final when every relay of the plan has refused the message for good. One relay that was skipped,
/// superseded, not reached, or said something soft is enough to defer; so is a `narrowed` plan, from which relays were
/// left out for now. What only speaks of relays is soft whatever they said. The other attempts follow the decisive one,
/// newest first.
Verdict fold_verdict(std::span<const ClassifiedAttempt> attempts, bool narrowed = false);

/// The verdict for a delivery that was halted: always deferred. `detail` says what exactly, e.g. the system's error.
Verdict halted_verdict(Halt halt, std::string_view detail, std::span<const ClassifiedAttempt> attempts);

/// A delivery that never began: an address that is no path (hard), or bad configuration (soft).
Verdict refused_verdict(EnhancedStatus status, std::string_view text);

inline constexpr std::size_t kReportOctets = 4096;  ///< pipe(8) reads no more (pipe_command.c)

/// The one line for Postfix, without a line end, which pipe(8) would log as a space: success is free text (pipe(8) logs
/// its first 100 characters); everything else begins with the D.S.N that overrules the exit status (pipe(8), "Command
/// output").
std::string report_line(const Verdict& verdict);

/// The line for the log of a delivery that never began: the same with the paths of our own files.
std::string log_line(const Verdict& verdict);

/// The line for a person at a terminal: what happened in plain words.
std::string plain_line(const Verdict& verdict);

}  // namespace relaypipe
