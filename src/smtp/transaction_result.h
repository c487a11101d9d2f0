#pragma once

#include <string>
#include <variant>
#include <vector>

#include "smtp/reply.h"
#include "smtp/stage.h"

namespace relaypipe {

/// How a connection ended without a reply.
enum class Loss { Closed, TimedOut };

// What a transaction showed. `stage` is where the relay stood, not what we had sent; `what` is a phrase, such as
// "an unexpected reply (354 go on)" or "no reply (timed out)".

/// 2yz to the final dot, responsibility has passed (RFC 5321 4.2.5).
struct Accepted {
  Reply reply;
};
/// 4yz or 5yz for the whole message: to MAIL, DATA, the content or the dot; and 421 to anything.
struct Refused {
  Stage stage;
  Reply reply;
};
/// The reply to each RCPT in order; at least one is 4yz or 5yz; no content was sent.
struct RecipientsRefused {
  std::vector<Reply> replies;
};
/// 2yz to RCPT where no more was wanted (Goal::Verify): the relay would take mail for the recipient.
struct Deliverable {
  Reply reply;
};
/// Before the dot, so nothing was committed.
struct Lost {
  Stage stage;
  Loss loss;
  /// The command without a reply had been sent together with others (PIPELINING): a relay that announces what it cannot
  /// do looks like this.
  bool pipelined = false;
};
/// Before the dot: no reply, or one no client can obey, e.g. 3yz to MAIL.
struct ProtocolError {
  Stage stage;
  std::string what;
  bool pipelined = false;  ///< as in Lost
};
/// The dot was sent and no valid reply to it came, so it may be delivered (RFC 1047).
struct Unconfirmed {
  std::string what;
};
/// We broke off before the dot, see Transaction::abort().
struct Aborted {
  Stage stage;
};
using TransactionResult =
    std::variant<Accepted, Refused, RecipientsRefused, Deliverable, Lost, ProtocolError, Unconfirmed, Aborted>;

}  // namespace relaypipe
