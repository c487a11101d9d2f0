#include "verdict/exit_status.h"

namespace relaypipe {

int exit_status(const Verdict& verdict) {
  switch (verdict.disposition) {
    case Disposition::Delivered: return kExitDelivered;
    case Disposition::Deferred: return kExitDeferred;
    case Disposition::Bounced: break;
  }
  const EnhancedStatus& status = verdict.status;
  if (status == EnhancedStatus{5, 1, 1}) return 67;  // EX_NOUSER
  if (status == EnhancedStatus{5, 1, 2}) return 68;  // EX_NOHOST
  if (status.subject == 6) return 65;                // EX_DATAERR
  if (status.subject == 7) return 77;                // EX_NOPERM
  return 69;                                         // EX_UNAVAILABLE
}

}  // namespace relaypipe
