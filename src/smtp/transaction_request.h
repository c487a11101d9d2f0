#pragma once

#include <string>
#include <vector>

#include "message/content_encoder.h"
#include "message/envelope.h"
#include "smtp/capabilities.h"

namespace relaypipe {

/// Everything one transaction says before the content.
struct TransactionRequest {
  std::string mail;               ///< `MAIL FROM:<…> SIZE=… …` without line end
  std::vector<std::string> rcpt;  ///< `RCPT TO:<…>`, one per recipient, in their order
  bool pipelining = false;
  /// Said before MAIL, without line end (XFORWARD). A relay that refuses one still gets the message.
  std::vector<std::string> reports = {};
  /// How far it goes.
  enum class Goal {
    All,     ///< the content is sent only where every recipient was accepted
    Some,    ///< the content is sent for the recipients that were accepted, at least one
    Verify,  ///< it ends after the replies to RCPT
  } goal = Goal::All;
  bool last = true;  ///< of its session: with PIPELINING, QUIT leaves with the dot
};

/// The commands for this message at this relay: SIZE=, BODY=8BITMIME, SMTPUTF8 and the DSN parameters where offered and
/// needed. A relay that is asked for more than the submitter asked for may have to return the message, because the next
/// host does not offer it. So SMTPUTF8 goes with an address that needs it or where the submitter asked, and never with
/// octets of the header (RFC 6531 3.4), and BODY=8BITMIME with a body that is 8-bit, as RFC 6152 demands. A relay that
/// lacks SMTPUTF8 is judged elsewhere (verdict/fitness.h).
TransactionRequest make_request(const Envelope& envelope, const ContentFacts& content, const Capabilities& relay);

}  // namespace relaypipe
