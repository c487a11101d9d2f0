#pragma once

#include <vector>

#include "route/lookup.h"

namespace relaypipe {

struct LookupEvent {
  Question question;
  Answer answer;
};

/// Asks DNS and the hosts file.
class Resolver {
 public:
  virtual ~Resolver() = default;
  /// Asking what is being asked already is allowed and answered once.
  virtual void ask(const Question& question) = 0;
  virtual std::vector<LookupEvent> take_answers() = 0;
};

}  // namespace relaypipe
