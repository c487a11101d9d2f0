// A relay's reply, whatever it says: it is parsed, judged and told to Postfix.
#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "fuzz.h"
#include "io/pcre_matcher.h"
#include "relay/provider.h"
#include "verdict/classify.h"
#include "verdict/verdict.h"

namespace {

using namespace relaypipe;

/// The first octet chooses the stage and the second the provider, so that seeds stay readable.
struct Input {
  Stage stage;
  std::string_view provider;
  bool own_domain;
  std::string_view octets;
};

Input input_of(std::string_view text) {
  constexpr auto kStages = static_cast<unsigned>(Stage::Quit) + 1;
  const auto first = static_cast<unsigned char>(text[0]);
  const auto second = static_cast<unsigned char>(text[1]);
  const auto known = providers();
  const std::size_t index = second % (known.size() + 1);
  return {static_cast<Stage>(first % kStages), index < known.size() ? known[index].name : std::string_view(),
          second > 127, text.substr(2)};
}

void check(const Classification& classification, Stage stage, const Reply& reply) {
  const bool transaction = stage >= Stage::Mail && stage <= Stage::EndOfData;
  const bool hard = classification.severity == Severity::Hard;
  must(classification.severity != Severity::Success, "a refusal is no success", classification.rule);
  must(!hard || (transaction && reply.hard()), "hard is only a 5yz in the transaction", classification.rule);
  must(!hard || (classification.scope != Scope::Relay && classification.scope != Scope::RelayRecipientDomain),
       "what is the relay's is not hard", classification.rule);
  must(!hard || classification.next == Next::NextLeg || classification.scope == Scope::Message ||
           classification.scope == Scope::Recipient,
       "only what is the mail's own is final at the first relay", classification.rule);
  must(transaction || classification.next == Next::NextLeg, "before MAIL the next relay is tried", classification.rule);
  must(classification.status.klass == (hard ? 5 : 4), "the status fits the severity", classification.rule);
  must(!classification.rule.empty(), "a rule said so");
}

void report(Attempt attempt, const RelayRules& rules, PatternMatcher& matcher) {
  Classification classification = classify(attempt, rules, matcher);
  const std::vector<ClassifiedAttempt> all{{std::move(attempt), std::move(classification)}};
  const std::string line = report_line(fold_verdict(all));
  must(line.size() <= kReportOctets && line.find('\n') == line.npos, "the report is one line", line);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const Input input = input_of({reinterpret_cast<const char*>(data), size});
  ReplyParser parser;
  parser.feed(input.octets);
  const auto reply = parser.take();
  if (!reply || (!reply->soft() && !reply->hard())) return 0;
  PcreMatcher matcher;
  const RelayRules rules{input.provider, {}, ContentReject::Stop, input.own_domain};
  check(classify_reply(input.stage, *reply, rules, matcher), input.stage, *reply);
  const Peer where{"relay", "mail.example", "192.0.2.1", 25};
  report({where, Refused{input.stage, *reply}, {}, {}}, rules, matcher);
  report({where, RecipientsRefused{{*reply, *reply}}, {}, {}}, rules, matcher);
  report({where, SessionFailure{input.stage, SessionError::Lost, "", *reply}, {}, {}}, rules, matcher);
  return 0;
}
