#pragma once

#include <vector>

#include "route/lookup.h"

namespace relaypipe {

struct LookupEvent {
  Query query;
  Answer answer;
};

/// Asks DNS and the hosts file.
class Resolver {
 public:
  virtual ~Resolver() = default;
  /// Asking what is being asked already is allowed and answered once.
  virtual void ask(const Query& query) = 0;
  virtual std::vector<LookupEvent> take_answers() = 0;
};

}  // namespace relaypipe
