#pragma once

#include <vector>

#include "deliver/log_lines.h"
#include "deliver/services.h"
#include "state/count_results.h"
#include "verdict/verdict.h"

namespace relaypipe {

/// The result of a delivery.
struct Delivered {
  /// One for all recipients, or with DeliveryRequest::each_recipient one for each in the order of the envelope. Then
  /// none where an earlier delivery has left something about one of several recipients, which may differ for the
  /// others: nothing was tried, and each of them is to be delivered alone.
  std::vector<Verdict> verdicts;
  Delays delays;
  bool logged = false;    ///< the verdict's lines are in the log
  Counters results = {};  ///< what the delivery adds to the counters of all
};

/// Delivers one message, or finds out why not. The page that tells the story: be the only one that delivers it, and
/// look what is remembered; open sessions while the message is still coming in; run the transaction over the first that
/// is ready; let the result decide whether the next relay is asked; fold the results into verdicts. What others can
/// use is remembered as soon as it is known. Parent::accepted() is called as soon as a relay has taken the message.
Delivered deliver(const DeliveryRequest& request, Services& services);

}  // namespace relaypipe
