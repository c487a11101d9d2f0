#pragma once

#include <string>

#include "smtp/enhanced_status.h"
#include "verdict/outcome.h"

namespace relaypipe {

/// What a failure speaks about.
enum class Scope { Relay, RelaySender, Message, Recipient };

/// Delivered, to be tried again, or never.
enum class Severity { Success, Soft, Hard };

/// What follows from it.
enum class Next {
  NextLeg,  ///< another relay may still take the message
  Stop,     ///< it is decided: accepted, refused for good, or unconfirmed
};

struct Judgement {
  Scope scope = Scope::Relay;
  Severity severity = Severity::Soft;
  Next next = Next::NextLeg;
  EnhancedStatus status;
};

/// What an outcome means: the stage is asked first, then the reply.
///
/// Nothing before MAIL speaks about the message, so it is soft and the next relay is tried, a 5yz greeting and a 5yz to
/// AUTH included. 421 and a lost connection speak about the relay at every stage before the dot. Any other 4yz in the
/// transaction speaks about the message or a recipient as this relay sees it now: soft, next relay. Any other 5yz is
/// the message's or the recipient's own: hard, and no other relay is asked. After the dot, silence is neither: the
/// message may be delivered, so no other relay gets it and Postfix tries later.
Judgement classify(const Outcome& outcome);

/// The outcome in Postfix's own words, one printable line without D.S.N:
/// `host mx1.example[192.0.2.1]:587 said: 550 5.1.1 no such user (in reply to RCPT TO command)`.
std::string describe(const Outcome& outcome);

/// The same in a few words for the list of other attempts: `mx1.example: connection timed out`.
std::string describe_briefly(const Outcome& outcome);

}  // namespace relaypipe
