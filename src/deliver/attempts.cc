#include "deliver/attempts.h"

#include <utility>

namespace relaypipe {

ClassifiedAttempt Attempts::classify(Attempt attempt) const {
  const RelayRules rules = rules_of(request_.plan.legs[attempt.leg].relay);
  Classification classification = relaypipe::classify(attempt, rules, services_.patterns);
  return {std::move(attempt), std::move(classification)};
}

void Attempts::add(ClassifiedAttempt classified, std::string_view session, Delays delays) {
  const bool accepted = classified.classification.severity == Severity::Success;
  const bool at_once = accepted && attempts_.empty();
  if (!at_once) {
    services_.journal.line(accepted ? Journal::Level::Info : Journal::Level::Warning,
                           attempt_line(request_.envelope, classified, session));
  }
  attempts_.push_back(std::move(classified));
  if (at_once) log_acceptance(delays, session);
}

void Attempts::log_acceptance(Delays delays, std::string_view session) {
  delays.total = services_.clock.now() - request_.started;
  for (const std::string& line : verdict_lines(request_.envelope, fold_verdict(attempts_), delays, true, session))
    services_.journal.line(Journal::Level::Info, line);
  verdict_logged_ = true;
}

}  // namespace relaypipe
