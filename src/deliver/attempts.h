#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "deliver/log_lines.h"
#include "deliver/services.h"
#include "deliver/stop_conditions.h"
#include "message/envelope.h"
#include "verdict/classify.h"
#include "verdict/verdict.h"

namespace relaypipe {

/// The attempts of a delivery: each is classified once, logged, and kept for the verdict. An attempt that settles the
/// matter for some of the recipients takes them out: later attempts are for those that are left.
class Attempts {
 public:
  /// The references outlive it.
  Attempts(const DeliveryRequest& request, const Services& services);

  /// What an attempt means, by the rules of its relay. The only place of a delivery that asks it.
  [[nodiscard]] ClassifiedAttempt classify(Attempt attempt) const;
  /// Whether nobody would be left after these attempts.
  [[nodiscard]] bool would_settle(std::span<const ClassifiedAttempt> attempts) const;

  /// Logs an attempt and keeps it. `session`: how its session was protected, in the form of session_words(). Where the
  /// first attempt is accepted for all recipients one line tells the attempt and the verdict, at once: a delivery that
  /// is killed before Postfix hears of the acceptance leaves that trace.
  void add(ClassifiedAttempt classified, std::string_view session = {}, Delays delays = {});

  /// The envelope of the next transaction: the recipients that are left, and where each has a result of its own no more
  /// than `most` of them. Where one result serves all it is never cut: the message goes to all of them or is refused.
  /// It stands until the next call.
  [[nodiscard]] const Envelope& offered(std::size_t most);
  /// Whether that was a part of those that are left.
  [[nodiscard]] bool offered_part() const { return offered_ < places_.size(); }
  /// A transaction with these recipients, as an attempt for each of them by itself; `replies`: those to each RCPT. What
  /// was refused to a part of them would be refused to the others too.
  [[nodiscard]] std::vector<Attempt> split(const Attempt& whole, std::span<const Reply> replies) const;
  /// The places of those that are left in the whole envelope.
  [[nodiscard]] const std::vector<std::size_t>& places_left() const { return places_; }
  [[nodiscard]] bool settled() const { return settled_; }

  /// The verdict for all recipients, or with DeliveryRequest::each_recipient that for each in the order of the
  /// envelope. `stop`: what ended the delivery for those that are left.
  [[nodiscard]] std::vector<Verdict> verdicts(const std::optional<StopReason>& stop) const;
  [[nodiscard]] std::span<const ClassifiedAttempt> all() const { return attempts_; }
  /// Whether the lines of the verdict are in the log.
  [[nodiscard]] bool verdict_logged() const { return verdict_logged_; }

 private:
  void take_out(const Attempt& attempt);
  void warn_of_doubt(const Attempt& attempt) const;
  [[nodiscard]] bool all_left() const { return places_.size() == request_.envelope.recipients.size(); }
  void log_acceptance(Delays delays, std::string_view session);

  const DeliveryRequest& request_;
  const Services& services_;
  std::vector<ClassifiedAttempt> attempts_;
  std::vector<std::size_t> places_;
  std::optional<Envelope> narrowed_;  ///< what offered() gave last
  std::size_t offered_ = 0;           ///< how many of those that are left
  bool settled_ = false;
  bool verdict_logged_ = false;
};

}  // namespace relaypipe
