// The whole table of the design's section 8, and promise 2 as a property.
#include "verdict/classify.h"

#include <string>
#include <vector>

#include "catch.h"
#include "io/pcre_matcher.h"
#include "relay/reply_words.h"

namespace relaypipe {
namespace {

const std::vector<Stage> kOpening{Stage::Resolve,  Stage::Connect, Stage::Greeting, Stage::Ehlo,
                                  Stage::StartTls, Stage::Tls,     Stage::Auth};
const std::vector<Stage> kTransaction{Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Content, Stage::EndOfData};
const std::vector<SessionError> kTroubles{
    SessionError::NotFound,      SessionError::LookupFailed, SessionError::NullMx,        SessionError::LoopsBack,
    SessionError::NoPrimary,     SessionError::Unconnected,  SessionError::TimedOut,      SessionError::Lost,
    SessionError::ProtocolError, SessionError::TlsMissing,   SessionError::TlsFailed,     SessionError::Untrusted,
    SessionError::AuthMissing,   SessionError::AuthRefused,  SessionError::NoCredentials, SessionError::Misconfigured,
    SessionError::Local};
/// Codes that speak of how we talk to a relay, see classify.cc.
const std::vector<int> kSessionCodes{421, 500, 502, 503, 504, 521, 530, 534, 535, 538, 555};

bool about_session(int code) {
  return std::find(kSessionCodes.begin(), kSessionCodes.end(), code) != kSessionCodes.end();
}

Reply reply(int code, EnhancedStatus status = {0, 0, 0}) {
  if (status.klass == 0) status.klass = code / 100;
  return {code, {"text"}, status};
}

Classification judge(const AttemptResult& what) {
  PcreMatcher matcher;
  return classify({{}, what, {}, {}}, RelayRules{}, matcher);
}

/// A judgement in one line: `relay soft next 4.4.2`.
std::string classified(const AttemptResult& what) {
  const Classification classification = judge(what);
  const char* const severities[] = {"success", "soft", "hard"};
  return std::string(scope_name(classification.scope)) + " " + severities[static_cast<int>(classification.severity)] +
         (classification.next == Next::Stop ? " stop " : " next ") + classification.status.text();
}

TEST_CASE("what an interface cannot do is no fault of the message, but for its size and its addresses") {
  using enum ApiUnsupported::Why;
  CHECK(classified(ApiUnsupported{TooBig, 2, 1, ""}) == "message hard next 5.3.4");
  CHECK(classified(ApiUnsupported{NotAscii, 0, 0, ""}) == "message hard next 5.6.7");
  CHECK(classified(ApiUnsupported{TooManyRecipients, 0, 0, ""}) == "message soft next 4.5.3");
  CHECK(classified(ApiUnsupported{OtherRecipients, 0, 0, ""}) == "message soft next 4.3.3");
  CHECK(classified(ApiUnsupported{NullSender, 0, 0, ""}) == "message soft next 4.3.3");
}

TEST_CASE("before MAIL everything speaks of the relay") {
  const Stage stage = GENERATE(from_range(kOpening));
  CAPTURE(name(stage));
  SECTION("a reply of any class") {
    const int code = GENERATE(421, 450, 454, 500, 501, 530, 535, 550, 554);
    const std::string status = "4.7." + std::to_string(code % 10);
    CHECK(classified(SessionFailure{stage, SessionError::Lost, "", reply(code, {code / 100, 7, code % 10})}) ==
          "relay soft next " + status);
  }
  SECTION("trouble without a reply") {
    struct Row {
      SessionError error;
      const char* status;
    };
    const Row row = GENERATE(Row{SessionError::NotFound, "4.4.4"}, Row{SessionError::LookupFailed, "4.4.3"},
                             Row{SessionError::NullMx, "4.4.4"}, Row{SessionError::Unconnected, "4.4.1"},
                             Row{SessionError::Lost, "4.4.2"}, Row{SessionError::ProtocolError, "4.5.0"},
                             Row{SessionError::TlsMissing, "4.7.4"}, Row{SessionError::TlsFailed, "4.7.5"},
                             Row{SessionError::Untrusted, "4.7.5"}, Row{SessionError::AuthMissing, "4.7.0"},
                             Row{SessionError::AuthRefused, "4.7.8"}, Row{SessionError::NoCredentials, "4.3.5"},
                             Row{SessionError::Misconfigured, "4.3.5"}, Row{SessionError::Local, "4.3.0"});
    CHECK(classified(SessionFailure{stage, row.error, ""}) == std::string("relay soft next ") + row.status);
  }
  SECTION("superseded") { CHECK(classified(Superseded{stage}) == "relay soft next 4.4.1"); }
}

TEST_CASE("the cause tells how long a relay rests: what is our own fault is none of its causes") {
  using enum Cause;
  const std::vector<std::pair<SessionError, Cause>> causes{
      {SessionError::NotFound, Network},      {SessionError::LookupFailed, Network},
      {SessionError::NullMx, Network},        {SessionError::Unconnected, Network},
      {SessionError::TimedOut, Network},      {SessionError::Lost, Network},
      {SessionError::ProtocolError, Network}, {SessionError::TlsMissing, Tls},
      {SessionError::TlsFailed, Tls},         {SessionError::Untrusted, Tls},
      {SessionError::AuthMissing, Auth},      {SessionError::AuthRefused, Auth},
      {SessionError::NoCredentials, Auth},    {SessionError::LoopsBack, Unknown},
      {SessionError::NoPrimary, Unknown},     {SessionError::Local, Unknown},
      {SessionError::Misconfigured, Unknown},
  };
  REQUIRE(causes.size() == kTroubles.size());
  for (const auto& [error, cause] : causes) {
    CAPTURE(static_cast<int>(error));
    CHECK(judge(SessionFailure{Stage::Auth, error, ""}).cause == cause);
  }
  CHECK(judge(SessionFailure{Stage::Auth, SessionError::AuthRefused, ""}).until.kind == Until::Kind::Credentials);
  CHECK(judge(SessionFailure{Stage::Auth, SessionError::NoCredentials, ""}).until.kind == Until::Kind::Unknown);
  CHECK(judge(Lost{Stage::Data, Loss::Closed}).cause == Network);
  CHECK(judge(ProtocolError{Stage::Data, ""}).cause == Network);
  CHECK(judge(Superseded{Stage::Connect}).cause == Network);
  CHECK(judge(Unconfirmed{""}).cause == Unknown);
}

TEST_CASE("a time-out's status tells how far it came") {
  CHECK(classified(SessionFailure{Stage::Resolve, SessionError::TimedOut, ""}) == "relay soft next 4.4.3");
  CHECK(classified(SessionFailure{Stage::Connect, SessionError::TimedOut, ""}) == "relay soft next 4.4.1");
  for (const Stage stage : {Stage::Greeting, Stage::Ehlo, Stage::StartTls, Stage::Tls, Stage::Auth})
    CHECK(classified(SessionFailure{stage, SessionError::TimedOut, ""}) == "relay soft next 4.4.2");
}

TEST_CASE("mail that would come back to this host is soft and stops") {
  CHECK(classified(SessionFailure{Stage::Resolve, SessionError::LoopsBack, ""}) == "relay soft stop 4.4.6");
  CHECK(classified(SessionFailure{Stage::Resolve, SessionError::NoPrimary, ""}) == "relay soft stop 4.4.4");
}

TEST_CASE("only of the recipient's own domain DNS can say something final") {
  CHECK(classified(SessionFailure{Stage::Resolve, SessionError::NotFound, "", std::nullopt, true}) ==
        "recipient hard stop 5.1.2");
  CHECK(classified(SessionFailure{Stage::Resolve, SessionError::NullMx, "", std::nullopt, true}) ==
        "recipient hard stop 5.1.10");
  for (const SessionError error : kTroubles) {
    if (error == SessionError::NotFound || error == SessionError::NullMx) continue;
    const Classification classification = judge(SessionFailure{Stage::Resolve, error, "", std::nullopt, true});
    CHECK(classification.severity == Severity::Soft);
  }
}

TEST_CASE("4yz in the transaction is soft, and another relay is asked") {
  const Stage stage = GENERATE(from_range(kTransaction));
  const int code = GENERATE(400, 422, 450, 451, 452, 454, 499);
  const std::string scope = stage == Stage::Rcpt ? "recipient" : "message";
  CHECK(classified(Refused{stage, reply(code, {4, 3, 1})}) == scope + " soft next 4.3.1");
  CHECK(classified(Refused{stage, reply(code)}) == scope + " soft next 4.0.0");
}

TEST_CASE("5yz in the transaction that names nobody is hard, and final only when every relay says so") {
  const Stage stage = GENERATE(from_range(kTransaction));
  const int code = GENERATE(501, 510, 541, 550, 551, 552, 553, 554, 571, 599);
  if (stage == Stage::Mail && code == 552) return;  // nothing but the size was told yet
  // MAIL is the sender's at this relay, and never a recipient's.
  const std::string scope = stage == Stage::Mail ? "relay+sender" : "unknown";
  CHECK(classified(Refused{stage, reply(code, {5, 7, 1})}) == scope + " hard next 5.7.1");
  CHECK(classified(Refused{stage, reply(code)}) == scope + " hard next 5.0.0");
}

TEST_CASE("5yz that names the recipient or the message stops") {
  CHECK(classified(Refused{Stage::Rcpt, reply(556)}) == "recipient hard stop 5.0.0");
  CHECK(classified(Refused{Stage::Rcpt, reply(550, {5, 1, 1})}) == "recipient hard stop 5.1.1");
  CHECK(classified(Refused{Stage::EndOfData, reply(550, {5, 1, 1})}) == "recipient hard stop 5.1.1");
  CHECK(classified(Refused{Stage::Mail, reply(550, {5, 1, 1})}) == "relay+sender hard next 5.1.1");
  CHECK(classified(Refused{Stage::EndOfData, reply(554, {5, 6, 0})}) == "message hard stop 5.6.0");
}

TEST_CASE("codes about the session speak of the relay at every stage") {
  const Stage stage = GENERATE(from_range(kTransaction));
  const int code = GENERATE(from_range(kSessionCodes));
  CHECK(classified(Refused{stage, reply(code, {code / 100, 3, 2})}) == "relay soft next 4.3.2");
}

TEST_CASE("a relay's trouble is not told as a mailbox's") {
  // It closes the connection: busy. It does not speak with us: refused.
  CHECK(classified(Refused{Stage::Rcpt, reply(421, {4, 2, 1})}) == "relay soft next 4.3.2");
  CHECK(classified(Refused{Stage::Rcpt, reply(503, {5, 2, 1})}) == "relay soft next 4.7.0");
  CHECK(classified(Refused{Stage::Rcpt, reply(421, {4, 1, 1})}) == "relay soft next 4.3.2");
  CHECK(classified(Refused{Stage::Rcpt, reply(421, {4, 7, 1})}) == "relay soft next 4.7.1");
}

TEST_CASE("too big is the message's own, but another relay may take more") {
  const Stage stage = GENERATE(from_range(kTransaction));
  CHECK(classified(Refused{stage, reply(552, {5, 3, 4})}) == "message hard next 5.3.4");
  CHECK(classified(Refused{stage, reply(452, {4, 3, 4})}) == "message soft next 4.3.4");
  if (stage != Stage::Mail) CHECK(classified(Refused{stage, reply(552, {5, 2, 2})}) == "recipient hard stop 5.2.2");
  CHECK(classified(Unsupported{Unsupported::Why::TooBig, 10, 5}) == "message hard next 5.3.4");
  CHECK(classified(Unsupported{Unsupported::Why::NoSmtpUtf8}) == "message hard next 5.6.7");
}

TEST_CASE("what was lost or garbled before the dot speaks of the relay; after it, of nothing for sure") {
  for (const Stage stage : {Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Content}) {
    CHECK(classified(Lost{stage, Loss::Closed}) == "relay soft next 4.4.2");
    CHECK(classified(Lost{stage, Loss::TimedOut}) == "relay soft next 4.4.2");
    CHECK(classified(ProtocolError{stage, "x"}) == "relay soft next 4.5.0");
    CHECK(classified(Aborted{stage}) == "message soft stop 4.3.0");
  }
  CHECK(classified(Unconfirmed{"no reply"}) == "message soft stop 4.4.2");
  CHECK(classified(Accepted{reply(250, {2, 6, 0})}) == "message success stop 2.6.0");
}

TEST_CASE("a relay that was skipped is soft, with the status of what it rests from") {
  using Why = Skipped::Why;
  struct Row {
    Why why;
    Cause cause;
    const char* status;
  };
  const Row row =
      GENERATE(Row{Why::CoolingDown, Cause::Network, "4.4.1"}, Row{Why::CoolingDown, Cause::Unknown, "4.4.1"},
               Row{Why::CoolingDown, Cause::Tls, "4.7.5"}, Row{Why::CoolingDown, Cause::Auth, "4.7.8"},
               Row{Why::CoolingDown, Cause::Quota, "4.3.2"}, Row{Why::CoolingDown, Cause::Policy, "4.3.2"},
               Row{Why::Probing, Cause::Tls, "4.7.5"}, Row{Why::Suspended, Cause::Unknown, "4.3.2"},
               Row{Why::Exhausted, Cause::Quota, "4.3.2"}, Row{Why::SenderNotTaken, Cause::SenderNotAllowed, "4.7.1"});
  CAPTURE(static_cast<int>(row.why), static_cast<int>(row.cause));
  CHECK(classified(Skipped{row.why, kNever, row.cause, ""}) == std::string("relay soft next ") + row.status);
  CHECK(judge(Skipped{row.why, kNever, row.cause, ""}).cause == row.cause);
}

TEST_CASE("recipients: one result serves all of them") {
  struct Row {
    std::vector<int> codes;
    const char* classified;
  };
  const Row row =
      GENERATE(Row{{550}, "recipient hard stop 5.1.1"}, Row{{550, 551, 553}, "recipient hard stop 5.1.1"},
               Row{{450}, "recipient soft next 4.1.1"}, Row{{250, 450}, "recipient soft next 4.1.1"},
               Row{{450, 451, 452}, "recipient soft next 4.1.1"}, Row{{250, 550}, "recipient soft stop 4.1.1"},
               Row{{550, 250}, "recipient soft stop 4.1.1"}, Row{{550, 450}, "recipient soft stop 4.1.1"},
               Row{{450, 550}, "recipient soft stop 4.1.1"}, Row{{530}, "relay soft next 4.7.0"},
               Row{{530, 530}, "relay soft next 4.7.0"}, Row{{250, 503}, "relay soft next 4.7.0"},
               Row{{550, 530}, "recipient soft stop 4.1.1"}, Row{{251, 252, 554}, "recipient soft stop 4.1.1"});
  std::vector<Reply> replies;
  for (const int code : row.codes)
    replies.push_back(reply(code, {code / 100, 1, 1}));
  CAPTURE(row.codes);
  CHECK(classified(RecipientsRefused{replies}) == row.classified);
}

TEST_CASE("recipients: a refusal that names nobody leaves the next relay its chance") {
  const Reply unknown = reply(554, {5, 7, 1});
  const Reply no_user = reply(550, {5, 1, 1});
  CHECK(classified(RecipientsRefused{{unknown}}) == "unknown hard next 5.7.1");
  CHECK(classified(RecipientsRefused{{unknown, unknown}}) == "unknown hard next 5.7.1");
  CHECK(classified(RecipientsRefused{{no_user, unknown}}) == "unknown hard next 5.7.1");
  CHECK(classified(RecipientsRefused{{reply(250), unknown}}) == "unknown soft next 4.7.1");
  CHECK(classified(RecipientsRefused{{unknown, reply(450)}}) == "unknown soft next 4.7.1");
  CHECK(classified(RecipientsRefused{{unknown, reply(530)}}) == "relay soft next 4.0.0");
}

/// Every showing that can be built from a stage, a code, a trouble.
std::vector<AttemptResult> all_showings(bool recipient_domain) {
  std::vector<AttemptResult> all{Unconfirmed{"x"}};
  for (const Stage stage : kOpening) {
    for (const SessionError error : kTroubles) {
      all.emplace_back(SessionFailure{stage, error, "x", std::nullopt, recipient_domain});
      for (int code = 400; code < 600; ++code) {
        all.emplace_back(SessionFailure{stage, error, "x", reply(code, {code / 100, 3, 4}), false});
      }
    }
    all.emplace_back(Superseded{stage});
  }
  for (const Stage stage : kTransaction) {
    for (int code = 400; code < 600; ++code)
      all.emplace_back(Refused{stage, reply(code)});
    all.insert(all.end(),
               {Lost{stage, Loss::Closed}, Lost{stage, Loss::TimedOut}, ProtocolError{stage, "x"}, Aborted{stage}});
  }
  for (int code = 400; code < 600; ++code) {
    all.emplace_back(RecipientsRefused{{reply(code)}});
    all.emplace_back(RecipientsRefused{{reply(250), reply(code)}});
    all.emplace_back(RecipientsRefused{{reply(code), reply(450)}});
  }
  return all;
}

/// The reasons that promise 2 allows: a 5yz about the message, or about every recipient; or the recipient's domain.
bool own_fault(const AttemptResult& what) {
  const auto final = [](const Reply& r) { return r.hard() && !about_session(r.code); };
  if (const auto* refused = std::get_if<Refused>(&what)) return final(refused->reply);
  if (const auto* refused = std::get_if<RecipientsRefused>(&what))
    return std::all_of(refused->replies.begin(), refused->replies.end(), final);
  const auto* unreached = std::get_if<SessionFailure>(&what);
  return unreached != nullptr && unreached->recipient_domain &&
         (unreached->error == SessionError::NotFound || unreached->error == SessionError::NullMx);
}

TEST_CASE("promise 2: nothing is hard but for a reason of the message or the recipient") {
  for (const bool recipient_domain : {false, true}) {
    for (const AttemptResult& what : all_showings(recipient_domain)) {
      const Classification classification = judge(what);
      const bool hard = classification.severity == Severity::Hard;
      if (hard != own_fault(what)) FAIL(classified(what) << " for showing " << what.index());
      if (classification.status.klass != (hard ? 5 : 4)) FAIL("status " << classification.status.text());
      if (hard && classification.scope == Scope::Relay) FAIL("a hard verdict about a relay");
    }
  }
}

}  // namespace
}  // namespace relaypipe
