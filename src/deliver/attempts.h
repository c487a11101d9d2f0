#pragma once

#include <span>
#include <string>
#include <vector>

#include "deliver/log_lines.h"
#include "deliver/services.h"
#include "verdict/classify.h"
#include "verdict/verdict.h"

namespace relaypipe {

/// The attempts of a delivery: each is classified once, logged, and kept for the verdict.
class Attempts {
 public:
  /// The references outlive it.
  Attempts(const DeliveryRequest& request, const Services& services) : request_(request), services_(services) {}

  /// What an attempt means, by the rules of its relay. The only place of a delivery that asks it.
  [[nodiscard]] ClassifiedAttempt classify(Attempt attempt) const;

  /// Logs an attempt and keeps it. `session`: how its session was protected, in the form of session_words(). Where the
  /// first attempt is accepted one line tells the attempt and the verdict, at once: a delivery that is killed before
  /// Postfix hears of the acceptance leaves that trace.
  void add(ClassifiedAttempt classified, std::string_view session = {}, Delays delays = {});

  [[nodiscard]] std::span<const ClassifiedAttempt> all() const { return attempts_; }
  /// Whether the lines of the verdict are in the log.
  [[nodiscard]] bool verdict_logged() const { return verdict_logged_; }

 private:
  void log_acceptance(Delays delays, std::string_view session);

  const DeliveryRequest& request_;
  const Services& services_;
  std::vector<ClassifiedAttempt> attempts_;
  bool verdict_logged_ = false;
};

}  // namespace relaypipe
