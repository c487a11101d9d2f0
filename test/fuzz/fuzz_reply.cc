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

void check(const Judgement& judgement, Stage stage, const Reply& reply) {
  const bool transaction = stage >= Stage::Mail && stage <= Stage::EndOfData;
  const bool hard = judgement.severity == Severity::Hard;
  must(judgement.severity != Severity::Success, "a refusal is no success", judgement.rule);
  must(!hard || (transaction && reply.hard()), "hard is only a 5yz in the transaction", judgement.rule);
  must(!hard || (judgement.scope != Scope::Relay && judgement.scope != Scope::RelayRecipientDomain),
       "what is the relay's is not hard", judgement.rule);
  must(!hard || judgement.next == Next::NextLeg || judgement.scope == Scope::Message ||
           judgement.scope == Scope::Recipient,
       "only what is the mail's own is final at the first relay", judgement.rule);
  must(transaction || judgement.next == Next::NextLeg, "before MAIL the next relay is tried", judgement.rule);
  must(judgement.status.klass == (hard ? 5 : 4), "the status fits the severity", judgement.rule);
  must(!judgement.rule.empty(), "a rule said so");
}

void report(Outcome outcome, const RelayRules& rules, PatternMatcher& matcher) {
  Judgement judgement = classify(outcome, rules, matcher);
  const std::vector<Judged> all{{std::move(outcome), std::move(judgement)}};
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
  const Where where{"relay", "mail.example", "192.0.2.1", 25};
  report({where, Refused{input.stage, *reply}, {}, {}}, rules, matcher);
  report({where, RecipientsRefused{{*reply, *reply}}, {}, {}}, rules, matcher);
  report({where, Unreached{input.stage, Trouble::Lost, "", *reply}, {}, {}}, rules, matcher);
  return 0;
}
