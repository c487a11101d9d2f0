#include "verdict/answer_rules.h"

#include <fmt/format.h>

#include <algorithm>

namespace relaypipe {
namespace {

/// Whether `word` is one of those in a column; an empty column holds any.
bool is_one_of(std::string_view column, std::string_view word) {
  if (column.empty()) return true;
  while (!column.empty()) {
    const std::string_view one = column.substr(0, column.find(' '));
    if (one == word) return true;
    column.remove_prefix(std::min(one.size() + 1, column.size()));
  }
  return false;
}

bool matches(std::string_view pattern, const std::string& text, PatternMatcher& matcher) {
  return pattern.empty() || matcher.match(pattern, text) == PatternMatcher::Match::Yes;
}

bool row_fits(const AnswerRow& row, const ApiRefusal& refusal, const RelayRules& rules, PatternMatcher& matcher) {
  return (row.provider.empty() || belongs_to(row, rules.provider)) && code_fits(row.status, refusal.status) &&
         is_one_of(row.code, refusal.code) && matches(row.match, refusal.text(), matcher);
}

PatternMatcher::Match try_own(const ReplyRule& rule, const ApiRefusal& refusal, PatternMatcher& matcher) {
  const bool there =
      rule.stages.empty() || std::find(rule.stages.begin(), rule.stages.end(), Stage::EndOfData) != rule.stages.end();
  if (!there || !code_fits(rule.code, refusal.status) || !rule.status.empty()) return PatternMatcher::Match::No;
  return rule.match.empty() ? PatternMatcher::Match::Yes : matcher.match(rule.match, refusal.text());
}

bool is_of_mail(Scope scope) { return scope == Scope::Message || scope == Scope::Recipient || scope == Scope::Unknown; }

/// Causes that are the message's own or a recipient's.
bool names_the_mail(Cause cause) { return cause == Cause::Size || cause == Cause::Content || cause == Cause::Mailbox; }

/// The status for Postfix (RFC 3463): an answer of HTTP has none.
EnhancedStatus status_of(const Meaning& means, bool hard) {
  const auto klass = hard ? 5 : 4;
  switch (means.cause) {
    case Cause::Auth: return {klass, 7, 8};
    case Cause::Quota:
    case Cause::Rate: return {klass, 3, 2};
    case Cause::Account:
    case Cause::Policy: return {klass, 7, 0};
    case Cause::SenderNotAllowed: return {klass, 7, 1};
    case Cause::Size: return {klass, 3, 4};
    case Cause::Content: return {klass, 6, 0};
    case Cause::Mailbox: return {klass, 1, 1};
    default: return {klass, 3, 0};
  }
}

/// Until when: what the answer asks for, but not where the rule knows better.
Until until_of(const FoundRule& found, const ApiRefusal& refusal) {
  using enum Until::Kind;
  const Until::Kind kind = found.until.kind;
  const bool told = kind == UtcMidnight || kind == NextHour || kind == Credentials;
  if (told || (found.own && kind != Unknown)) return found.until;
  if (refusal.wait) return {After, *refusal.wait};
  if (const auto span = named_delay(refusal.words)) return {After, *span};
  return found.until;
}

}  // namespace

bool belongs_to(const AnswerRow& row, std::string_view provider) {
  return !row.provider.empty() && !provider.empty() && is_one_of(row.provider, provider);
}

std::string row_text(const AnswerRow& row) {
  const bool general = row.provider.empty();
  std::string text = general ? "general rule" : fmt::format("table, {}", row.provider);
  if (!row.status.empty()) text += fmt::format(", HTTP {}", row.status);
  if (!row.code.empty()) text += fmt::format(", {}", row.code);
  if (!row.match.empty()) text += fmt::format(", /{}/", row.match);
  return text + fmt::format(" ({})", row.evidence);
}

FoundRule find_rule(const ApiRefusal& refusal, const RelayRules& rules, PatternMatcher& matcher) {
  for (const ReplyRule& rule : rules.own) {
    const PatternMatcher::Match match = try_own(rule, refusal, matcher);
    if (match == PatternMatcher::Match::Yes) return {rule.means, rule.until, position_text(rule.at), true};
    if (match == PatternMatcher::Match::Failed)
      return {{}, {}, position_text(rule.at) + ": its regular expression cannot be used", true, true};
  }
  for (const AnswerRow& row : answer_rows()) {
    if (row_fits(row, refusal, rules, matcher)) return {row.means, row.until, row_text(row)};
  }
  return {{Scope::Message, Cause::Unknown}, {}, "no rule"};
}

Classification classify_refusal(const ApiRefusal& refusal, const RelayRules& rules, PatternMatcher& matcher) {
  const FoundRule found = find_rule(refusal, rules, matcher);
  if (found.broken) return {Scope::Relay, Severity::Soft, Next::NextLeg, {4, 3, 5}, Cause::Unknown, {}, found.text};
  const Cause cause = found.means.cause;
  const bool mail = is_of_mail(found.means.scope);
  const bool hard = mail && names_the_mail(cause) && refusal.status / 100 == 4;
  Classification classification{found.means.scope,
                                hard ? Severity::Hard : Severity::Soft,
                                hard ? Next::Stop : Next::NextLeg,
                                status_of(found.means, hard),
                                cause,
                                mail ? Until{} : until_of(found, refusal),
                                found.text};
  // Another relay may take more, so it is final only when all say so.
  if (cause == Cause::Size) classification.next = Next::NextLeg;
  if (cause == Cause::Content && rules.on_content_reject == ContentReject::Next) classification.next = Next::NextLeg;
  return classification;
}

}  // namespace relaypipe
