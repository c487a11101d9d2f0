#include "verdict/find_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/printable.h"
#include "base/text.h"
#include "verdict/reply_rules.h"

namespace relaypipe {
namespace {

constexpr std::size_t kJudgedOctets = std::size_t{16} * 1024;  ///< enough for any reply that has something to say

/// Whether one of the blank-separated words passes; no words at all pass.
template <class Passes>
bool any_word(std::string_view words, Passes passes) {
  if (words.empty()) return true;
  while (!words.empty()) {
    if (passes(next_word(words))) return true;
  }
  return false;
}

bool number_fits(std::string_view pattern, int number) { return pattern == "x" || pattern == std::to_string(number); }

bool one_status_fits(std::string_view pattern, const EnhancedStatus& status) {
  const std::size_t first = pattern.find('.');
  const std::size_t second = pattern.find('.', first + 1);
  if (first == pattern.npos || second == pattern.npos) return false;
  return number_fits(pattern.substr(0, first), status.klass) &&
         number_fits(pattern.substr(first + 1, second - first - 1), status.subject) &&
         number_fits(pattern.substr(second + 1), status.detail);
}

/// The text of a line without the D.S.N it begins with.
std::string_view without_status(std::string_view line) {
  if (!parse_enhanced_status(line)) return line;
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  return line.substr(end);
}

/// Appends with every run of blanks as one.
void append_squeezed(std::string& text, std::string_view more) {
  text += ' ';
  for (const char c : more) {
    if (c != ' ' || text.back() != ' ') text += c;
  }
  if (text.back() == ' ') text.pop_back();
}

/// The reply under judgement; its text is made when the first expression asks for it.
class Search {
 public:
  Search(Stage stage, const Reply& reply, PatternMatcher& matcher) : stage_(stage), reply_(reply), matcher_(matcher) {}

  [[nodiscard]] PatternMatcher::Match try_rule(const ReplyRule& rule) {
    // What is said while the content runs is said about it as at the dot.
    const auto same = [&](Stage s) { return s == stage_ || (s == Stage::EndOfData && stage_ == Stage::Content); };
    const bool there = rule.stages.empty() || std::any_of(rule.stages.begin(), rule.stages.end(), same);
    if (!there || !code_fits(rule.code, reply_.code) || !status_fits(rule.status, reply_.status)) return Match::No;
    return match(rule.match);
  }

  [[nodiscard]] bool fits(const ReplyRow& row) {
    const std::string_view stage = name(stage_);
    return any_word(row.stages, [&](std::string_view word) { return word == stage; }) &&
           code_fits(row.code, reply_.code) && status_fits(row.status, reply_.status) && match(row.match) == Match::Yes;
  }

 private:
  using Match = PatternMatcher::Match;

  Match match(std::string_view pattern) {
    if (pattern.empty()) return Match::Yes;
    if (text_.empty()) text_ = judged_text(reply_);
    return matcher_.match(pattern, text_);
  }

  Stage stage_;
  const Reply& reply_;
  PatternMatcher& matcher_;
  std::string text_;
};

/// Meanings that make sense only where we have an account, or are to relay: not at the recipient's own MX, which
/// refuses the recipient, the message, or our address.
bool needs_account(const Meaning& means) {
  using enum Cause;
  const bool account = means.cause == Auth || means.cause == Quota || means.cause == Account;
  return account || means.cause == SenderNotAllowed || means.scope == Scope::RelayRecipientDomain;
}

/// Whether a row may speak for this relay at all, and how early it is asked.
enum class Rank { Provider, Anywhere, General, Never };
Rank rank_of(const ReplyRow& row, const RelayRules& rules) {
  if (is_general(row)) return Rank::General;
  if (rules.recipient_domain && needs_account(row.means)) return Rank::Never;
  if (belongs_to(row, rules.provider)) return Rank::Provider;
  return row.holds == Holds::Anywhere ? Rank::Anywhere : Rank::Never;
}

/// The unit that begins `text`, or nothing.
std::optional<Duration> unit_of(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::chrono::seconds>, 3> kUnits{
      {{"sec", std::chrono::seconds(1)}, {"min", std::chrono::minutes(1)}, {"hour", std::chrono::hours(1)}}};
  for (const auto& [word, unit] : kUnits) {
    if (text.starts_with(word)) return unit;
  }
  return std::nullopt;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool code_fits(std::string_view patterns, int code) {
  const std::string digits = std::to_string(code);
  return any_word(patterns, [&](std::string_view pattern) {
    return std::equal(pattern.begin(), pattern.end(), digits.begin(), digits.end(),
                      [](char p, char d) { return p == d || p == 'x'; });
  });
}

bool status_fits(std::string_view patterns, const EnhancedStatus& status) {
  return any_word(patterns, [&](std::string_view pattern) { return one_status_fits(pattern, status); });
}

std::string judged_text(const Reply& reply) {
  std::string text = std::to_string(reply.code);
  if (reply.status != EnhancedStatus{reply.klass(), 0, 0}) text += ' ' + reply.status.text();
  for (const std::string& line : reply.lines) {
    append_squeezed(text, printable(without_status(line)));
    if (text.size() > kJudgedOctets) break;
  }
  return std::string(clip(text, kJudgedOctets));
}

std::optional<Duration> named_delay(std::string_view text) {
  constexpr std::array<std::string_view, 5> kSigns{"again", "retry", "wait", "greylist", "graylist"};
  constexpr std::size_t kDigits = 6;
  constexpr Duration kLongest = std::chrono::hours(24 * 7);
  const std::string low = lower(text);
  std::size_t from = low.npos;
  for (const std::string_view sign : kSigns)
    from = std::min(from, low.find(sign));
  if (from == low.npos) return std::nullopt;
  for (std::size_t i = from; i < low.size(); ++i) {
    if (!is_digit(low[i]) || low[i - 1] != ' ') continue;
    std::size_t end = i;
    while (end < low.size() && is_digit(low[end]))
      ++end;
    const std::string number = low.substr(i, end - i);
    const std::size_t word = low.find_first_not_of(' ', end);
    const auto unit = word == low.npos ? std::nullopt : unit_of(std::string_view(low).substr(word));
    i = end;
    if (!unit || number.size() > kDigits) continue;
    const Duration span = std::stol(number) * *unit;
    if (span > Duration::zero() && span <= kLongest) return span;
  }
  return std::nullopt;
}

FoundRule find_rule(Stage stage, const Reply& reply, const RelayRules& rules, PatternMatcher& matcher) {
  Search search(stage, reply, matcher);
  for (const ReplyRule& rule : rules.own) {
    const PatternMatcher::Match match = search.try_rule(rule);
    if (match == PatternMatcher::Match::Yes) return {rule.means, rule.until, position_text(rule.at), true};
    if (match == PatternMatcher::Match::Failed) {
      return {{}, {}, position_text(rule.at) + ": its regular expression cannot be used", true, true};
    }
  }
  for (const Rank rank : {Rank::Provider, Rank::Anywhere, Rank::General}) {
    for (const std::span<const ReplyRow> rows : {provider_rows(), server_rows()}) {
      for (const ReplyRow& row : rows) {
        if (rank_of(row, rules) == rank && search.fits(row)) return {row.means, row.until, row_text(row)};
      }
    }
  }
  return {{Scope::Relay, Cause::Unknown}, {}, "no rule"};
}

}  // namespace relaypipe
