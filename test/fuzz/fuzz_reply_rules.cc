// Rules for replies: the administrator's, with their regular expressions, and every provider's rows, against any reply.
#include <string>
#include <string_view>

#include "base/printable.h"
#include "fuzz.h"
#include "io/pcre_matcher.h"
#include "relay/provider.h"
#include "relay/reply_words.h"
#include "verdict/classify.h"
#include "verdict/find_rule.h"
#include "verdict/reply_rules.h"

namespace {

using namespace relaypipe;

/// The input as lines, so that seeds stay readable: stage and provider as letters, code, status, expression, meaning,
/// until; the rest is the reply.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  std::string_view next() {
    const std::string_view line = rest_.substr(0, rest_.find('\n'));
    rest_.remove_prefix(std::min(line.size() + 1, rest_.size()));
    return line;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

struct Case {
  Stage stage = Stage::Mail;
  std::string_view provider;
  ReplyRule rule;
  bool usable = true;  ///< `check` would take the rule
};

unsigned letter(std::string_view line, std::size_t at) {
  return line.size() > at ? static_cast<unsigned char>(line[at]) - unsigned{'a'} : 0;
}

/// As the reader of the configuration does it: what is no pattern is a problem there and no rule here.
Case case_of(Lines& lines, PatternMatcher& matcher) {
  Case made;
  const std::string_view first = lines.next();
  made.stage = static_cast<Stage>(letter(first, 0) % (static_cast<unsigned>(Stage::Quit) + 1));
  const auto known = providers();
  const std::size_t index = letter(first, 1) % (known.size() + 1);
  if (index < known.size()) made.provider = known[index].name;
  made.rule.at = {"relaypipe.toml", 1, 1};
  made.rule.code = lines.next();
  made.rule.status = lines.next();
  made.rule.match = lines.next();
  const auto means = find_meaning(lines.next());
  if (means) made.rule.means = *means;
  const auto until = parse_until(lines.next());
  if (until) made.rule.until = *until;
  for (const auto& problem : {made.rule.code.empty() ? std::nullopt : code_problem(made.rule.code),
                              made.rule.status.empty() ? std::nullopt : status_problem(made.rule.status)}) {
    if (!problem) continue;
    must_be_line(*problem);
    made.usable = false;
  }
  if (!until) {
    must_be_line(until.error());
  } else {
    const auto again = parse_until(until_text(*until));
    must(until->kind == Until::Kind::Unknown || (again && again->kind == until->kind && again->span == until->span),
         "an until reads itself back", until_text(*until));
  }
  if (const auto problem = made.rule.match.empty() ? std::nullopt : matcher.problem(made.rule.match)) {
    must_be_line(problem->text);
    must(problem->offset <= made.rule.match.size(), "a problem stands in the expression", made.rule.match);
  }
  return made;
}

void check_verdict(const Classification& classification, Stage stage, const Reply& reply, const FoundRule& found) {
  const bool hard = classification.severity == Severity::Hard;
  const bool transaction = stage >= Stage::Mail && stage <= Stage::EndOfData;
  must(classification.severity != Severity::Success, "no rule makes a refusal a success", classification.rule);
  must(!hard || (transaction && reply.hard()), "no rule makes more of a reply than it says", classification.rule);
  must(!hard || !found.broken, "a rule nobody understands defers", classification.rule);
  must(!hard || (classification.scope != Scope::Relay && classification.scope != Scope::RelayRecipientDomain),
       "what is the relay's does not bounce", classification.rule);
  must(classification.status.klass == (hard ? 5 : 4), "the status fits the severity", classification.rule);
  must_be_line(classification.rule);
}

void check_reply(const Case& one, const Reply& reply, PatternMatcher& matcher) {
  const std::string text = judged_text(reply);
  must(text.starts_with(std::to_string(reply.code)), "the text begins with the code", text);
  const auto delay = named_delay(text);
  must(!delay || (*delay >= Duration::zero() && *delay <= std::chrono::hours(24 * 7)), "a delay is at most a week",
       text);
  must(code_fits(std::to_string(reply.code), reply.code) && code_fits("xxx", reply.code), "a code fits itself");
  must(status_fits(reply.status.text(), reply.status) && status_fits("x.x.x", reply.status), "a status fits itself");

  const RelayRules bare{one.provider, {}, ContentReject::Stop, false};
  const FoundRule without = find_rule(one.stage, reply, bare, matcher);
  must(!without.own && !without.broken, "the table holds no broken rule", without.text);
  must(!without.text.empty(), "some rule fits every refusal");
  check_verdict(classify_reply(one.stage, reply, bare, matcher), one.stage, reply, without);
  if (!one.usable) return;

  const RelayRules own{one.provider, {&one.rule, 1}, ContentReject::Stop, false};
  const FoundRule with = find_rule(one.stage, reply, own, matcher);
  check_verdict(classify_reply(one.stage, reply, own, matcher), one.stage, reply, with);
  const bool asks = code_fits(one.rule.code, reply.code) && status_fits(one.rule.status, reply.status);
  const auto matched = one.rule.match.empty() ? PatternMatcher::Match::Yes : matcher.match(one.rule.match, text);
  must(with.broken == (asks && matched == PatternMatcher::Match::Failed), "broken is what cannot be used", with.text);
  if (with.broken) return;
  const bool fits = asks && matched == PatternMatcher::Match::Yes;
  must(with.own == fits, "the administrator's rule holds where it fits, and only there", text);
  must(!fits || with.means == one.rule.means, "and means what it says", with.text);
  must(fits || (with.text == without.text && with.means == without.means), "else the table does", with.text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  PcreMatcher matcher;
  Lines lines({reinterpret_cast<const char*>(data), size});
  const Case one = case_of(lines, matcher);
  ReplyParser parser;
  parser.feed(lines.rest());
  const auto reply = parser.take();
  if (!reply || (!reply->soft() && !reply->hard())) return 0;
  check_reply(one, *reply, matcher);
  return 0;
}
