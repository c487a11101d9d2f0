#pragma once

#include <span>
#include <string>
#include <string_view>

#include "relay/relay.h"
#include "relay/relay_settings.h"
#include "relay/reply_rule.h"
#include "relay/run_settings.h"
#include "smtp/enhanced_status.h"
#include "verdict/attempt_result.h"
#include "verdict/pattern_matcher.h"

namespace relaypipe {

/// Delivered, to be tried again, or never.
enum class Severity { Success, Soft, Hard };

/// What follows from it.
enum class Next {
  NextLeg,  ///< another relay may still take the message
  Stop,     ///< it is decided: accepted, refused for good, or unconfirmed
};

/// What an outcome means.
struct Classification {
  Scope scope = Scope::Relay;
  Severity severity = Severity::Soft;
  Next next = Next::NextLeg;
  EnhancedStatus status;  ///< for Postfix: of class 4 where the severity is Soft, whatever the relay said
  Cause cause = Cause::Unknown;
  Until until;       ///< when the relay may be right again; only where the scope is the relay
  std::string rule;  ///< which rule said so, for a person; empty where no reply was judged
};

/// An outcome with its judgement: asked for once, when the outcome is recorded.
struct ClassifiedAttempt {
  Attempt attempt;
  Classification classification;
};

/// What the replies of one relay are judged by, besides the table. The views outlive the judging.
struct RelayRules {
  std::string_view provider;       ///< whose rows hold; empty: unknown
  std::span<const ReplyRule> own;  ///< the administrator's, first match first
  ContentReject on_content_reject = ContentReject::Stop;
  bool recipient_domain = false;                            ///< the recipient's own MX, where nobody has an account
  OnUnconfirmed on_unconfirmed = OnUnconfirmed::SameRelay;  ///< of the run: what becomes of a message without a reply
  /// The sender that the relay saw was written by its `envelope_sender`: a refusal of it is nobody's fault but ours.
  bool sender_is_ours = false;
};

/// What an outcome means: the stage is asked first, then the whole reply, by the rules in their order
/// (verdict/find_rule.h); the last of them are the general ones.
///
/// - Before MAIL nothing speaks about the message: soft, next relay, a 5yz greeting and a 5yz to AUTH included.
/// - 421 that names no other reason, a lost connection, and whatever speaks of us (our account, credentials, address or
///   EHLO name) or of the relay's own trouble: soft, next relay, at every stage before the dot. So is a relay that does
///   not relay to the recipient's domain, which says nothing of other domains.
/// - Any other 4yz in the transaction is about the message or a recipient as this relay sees it now: soft, next relay;
///   but a mailbox that is full is full behind every relay.
/// - A 5yz that names the recipient, or the message, is theirs: hard, no other relay is asked. One about the size, and
///   with `on_content_reject = "next"` one about the content, is final only when every relay says so.
/// - A 5yz to MAIL is the sender's at this relay and never a recipient's; any other 5yz is nobody knows whose: hard,
///   and final only when every relay says so. Where the sender is not the message's own but one that the
///   relay's `envelope_sender` has made of it, a 5yz to it is soft: the configuration is at fault.
/// - After the dot silence is none of these: the message may be delivered, so no other relay gets it and Postfix tries
///   later.
Classification classify(const Attempt& attempt, const RelayRules& rules, PatternMatcher& matcher);

/// The same of one reply. The stages before MAIL and `quit` are only of the relay, whatever a rule says.
Classification classify_reply(Stage stage, const Reply& reply, const RelayRules& rules, PatternMatcher& matcher);

/// The outcome in Postfix's own words, one printable line without D.S.N:
/// `host mx1.example[192.0.2.1]:587 said: 550 5.1.1 no such user (in reply to RCPT TO command)`.
std::string describe(const Attempt& attempt);

/// The outcome in words that may leave this machine: senders read them in delay notices and bounces. Our own words lose
/// the directories of our files; a relay's words stay as they are.
Attempt for_senders(Attempt attempt);

/// The same in a few words for the list of other attempts: `mx1.example: connection timed out`.
std::string describe_briefly(const Attempt& attempt);

/// What the replies of a relay are judged by, whatever the run and the message. The relay outlives it.
inline RelayRules rules_of(const Relay& relay) {
  return {.provider = relay.provider,
          .own = relay.replies,
          .on_content_reject = relay.settings->on_content_reject,
          .recipient_domain = relay.recipient_domain};
}

}  // namespace relaypipe
