// The radius of every failure: what it keeps from whom, and that no single message can make it more.
#include "state/attempt_health.h"

#include <string>
#include <vector>

#include "catch.h"
#include "io/pcre_matcher.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;

const WallTime kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 27) + 10h;

Reply reply(const std::string& line) {
  ReplyParser parser;
  parser.feed(line + "\r\n");
  return parser.take().value();
}

Envelope an_envelope(const std::string& queue_id = "4Xyz") {
  Envelope envelope;
  envelope.queue_id = queue_id;
  envelope.sender = *parse_sender("s@example.com");
  envelope.recipients.push_back(*parse_address("r@example.org"));
  return envelope;
}

ClassifiedAttempt classified(const AttemptResult& what) {
  PcreMatcher matcher;
  Attempt attempt{{"relay", "relay.example", "192.0.2.1", 587}, what, {}, {}};
  Classification classification = classify(attempt, RelayRules{}, matcher);
  return {std::move(attempt), std::move(classification)};
}

/// From whom a failure keeps the relay: `nobody`, `message` (it only makes a row with others), `sender`, `domain` or
/// `everybody`.
std::string radius(const AttemptResult& what) {
  const ClassifiedAttempt one = classified(what);
  const HealthEvent event = health_event(one, Relay(), an_envelope(), kNow);
  if (event.kind == HealthEvent::Kind::Ended) return "nobody";
  if (event.kind == HealthEvent::Kind::Accepted) return "accepted";
  if (event.kind == HealthEvent::Kind::Superseded) return "late";
  if (one.classification.scope == Scope::RelaySender) return "sender";
  if (one.classification.scope == Scope::RelayRecipientDomain) return "domain";
  return event.transaction && event.transaction->doubtful ? "message" : "everybody";
}

TEST_CASE("the radius of what keeps a session from being ready") {
  const auto of = [](SessionError error, bool recipient_domain = false) {
    SessionFailure unreached{Stage::Connect, error, "", std::nullopt, recipient_domain, false};
    return radius(unreached);
  };
  for (const SessionError error :
       {SessionError::NotFound, SessionError::LookupFailed, SessionError::NullMx, SessionError::Unconnected,
        SessionError::TimedOut, SessionError::Lost, SessionError::ProtocolError, SessionError::TlsMissing,
        SessionError::TlsFailed, SessionError::Untrusted, SessionError::AuthMissing, SessionError::AuthRefused}) {
    CAPTURE(static_cast<int>(error));
    CHECK(of(error) == "everybody");
    // What DNS says of the recipient's own domain is no matter of a relay.
    CHECK(of(error, true) == "nobody");
  }
  for (const SessionError error : {SessionError::LoopsBack, SessionError::NoPrimary, SessionError::NoCredentials,
                                   SessionError::Misconfigured, SessionError::Local}) {
    CAPTURE(static_cast<int>(error));
    CHECK(of(error) == "nobody");
  }
  for (const char* const line : {"421 4.3.2 not now", "554 5.7.1 go away", "450 4.7.1 later", "535 5.7.8 no"})
    CHECK(radius(SessionFailure{Stage::Auth, SessionError::Lost, "", reply(line)}) == "everybody");
  CHECK(radius(Superseded{Stage::Connect}) == "late");
  CHECK(radius(Skipped{Skipped::Why::CoolingDown, kNow, Cause::Network, "it failed"}) == "nobody");
}

struct Row {
  AttemptResult what;
  const char* radius;
};

std::vector<Row> in_transaction() {
  const auto said = [](Stage stage, const char* line) -> AttemptResult { return Refused{stage, reply(line)}; };
  const auto rcpt = [](const char* line) -> AttemptResult { return RecipientsRefused{{reply(line)}}; };
  return {
      {Accepted{reply("250 2.0.0 Ok")}, "accepted"},
      // What may lie in the message.
      {Lost{Stage::Mail, Loss::Closed}, "message"},
      {Lost{Stage::Content, Loss::TimedOut}, "message"},
      {ProtocolError{Stage::Data, "no SMTP"}, "message"},
      {Unconfirmed{"no reply (connection lost)"}, "message"},
      {said(Stage::Mail, "421 4.3.2 shutting down"), "message"},
      {said(Stage::EndOfData, "421 4.3.2 shutting down"), "message"},
      {said(Stage::Mail, "530 5.7.0 Authentication required"), "message"},
      {said(Stage::Mail, "503 5.5.1 Bad sequence of commands"), "message"},
      {rcpt("555 5.5.4 Unsupported option"), "message"},
      {rcpt("554 5.7.1 Service unavailable; Client host [192.0.2.9] blocked using zen.example"), "message"},
      // What the account may.
      {said(Stage::Mail, "452 4.5.3 Daily message quota exceeded, you have reached your daily sending limit"),
       "everybody"},
      {said(Stage::Mail, "550 5.7.1 your account has been suspended"), "everybody"},
      {rcpt("450 4.7.1 too many messages per hour"), "everybody"},
      // Pairs.
      {said(Stage::Mail, "553 5.7.1 Sender address rejected: not owned by user u"), "sender"},
      {rcpt("554 5.7.1 <x@other.example>: Relay access denied"), "domain"},
      {rcpt("550 relay not permitted"), "domain"},
      // The message and the recipient.
      {rcpt("550 5.1.1 no such user"), "nobody"},
      {rcpt("450 4.2.0 greylisted, please come back"), "nobody"},
      {rcpt("452 4.2.2 mailbox full"), "nobody"},
      {said(Stage::EndOfData, "554 5.6.0 spam"), "nobody"},
      {said(Stage::EndOfData, "552 5.3.4 message too big"), "nobody"},
      {Unsupported{Unsupported::Why::TooBig, 2, 1}, "nobody"},
      {Aborted{Stage::Content}, "nobody"},
  };
}

TEST_CASE("the radius of what a transaction shows") {
  for (const Row& row : in_transaction()) {
    CAPTURE(describe(classified(row.what).attempt));
    CHECK(radius(row.what) == row.radius);
  }
}

TEST_CASE("no message makes it more, however often it meets the same") {
  for (const Row& row : in_transaction()) {
    CAPTURE(describe(classified(row.what).attempt));
    Health health;
    std::optional<WallTime> first_end;
    const auto end = [&] { return health.outage ? std::optional(health.outage->until) : std::nullopt; };
    for (int retry = 0; retry < 20; ++retry) {
      const WallTime now = kNow + retry * 2h;
      HealthEvent event = health_event(classified(row.what), Relay(), an_envelope(), now);
      if (std::string(row.radius) == "domain") event = of_domain(event, "other.example");
      if (std::string(row.radius) == "sender") continue;  // told of the pair alone
      apply(health, event, {100}, {}, now);
      if (retry == 0) first_end = end();
    }
    CHECK(end() == first_end);
    CHECK(health.down() == (std::string(row.radius) == "everybody"));
  }
}

TEST_CASE("a rule that cannot be applied says nothing of the relay whose reply it was") {
  ClassifiedAttempt one = classified(Refused{Stage::Mail, reply("550 5.1.1 x")});
  one.classification = {Scope::Relay, Severity::Soft,      Next::NextLeg, {4, 3, 5}, Cause::Unknown,
                        {},           "relaypipe.toml:7:3"};
  CHECK(health_event(one, Relay(), an_envelope(), kNow).kind == HealthEvent::Kind::Ended);
}

TEST_CASE("messages are told apart by their queue ids, and without them by whom they are from and to") {
  const auto stamp = [](const Envelope& envelope) {
    return health_event(classified(Lost{Stage::Mail, Loss::Closed}), Relay(), envelope, kNow)
        .transaction.value()
        .message;
  };
  CHECK(stamp(an_envelope()) == stamp(an_envelope()));
  CHECK(stamp(an_envelope()) != stamp(an_envelope("4Xyy")));
  Envelope other = an_envelope();
  other.recipients.push_back(*parse_address("second@example.org"));
  CHECK(stamp(an_envelope()) == stamp(other));  // 500 recipients of one message are one
  Envelope unnamed = an_envelope("");
  CHECK(stamp(unnamed) == stamp(an_envelope("")));
  unnamed.recipients[0] = *parse_address("second@example.org");
  CHECK(stamp(unnamed) != stamp(an_envelope("")));
}

}  // namespace
}  // namespace relaypipe
