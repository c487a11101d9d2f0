#pragma once

#include <string>

namespace relaypipe {

/// The delivery reports that the submitter asked for with the message (RFC 3461): parameters of MAIL. The values are in
/// their wire form, valid, and empty where not given.
struct DsnRequest {
  std::string ret;    ///< RET: `FULL` or `HDRS`
  std::string envid;  ///< ENVID, in xtext
};

/// The same for one recipient: parameters of RCPT.
struct RecipientDsn {
  std::string notify;  ///< NOTIFY in upper case: `NEVER`, or `SUCCESS`, `FAILURE` and `DELAY` separated by commas
  std::string orcpt;   ///< ORCPT: `rfc822;` and xtext; of `utf-8;` addresses it may hold UTF-8 (RFC 6533)
};

}  // namespace relaypipe
