#pragma once

#include <span>
#include <string>
#include <string_view>

#include "http/api_outcome.h"
#include "relay/reply_rule.h"
#include "verdict/classify.h"
#include "verdict/find_rule.h"
#include "verdict/pattern_matcher.h"

namespace relaypipe {

/// One row of the compiled-in table of what HTTPS interfaces answer: how a refusal is recognised, and what it means.
struct AnswerRow {
  std::string_view provider;  ///< as in relay/provider.h, several separated by blanks; empty: whoever's
  std::string_view status;    ///< HTTP's, with `x` for any digit; several separated by blanks
  std::string_view code;      ///< ApiRefusal::code, several separated by blanks; case matters; empty: any
  std::string_view match;     ///< regular expression over ApiRefusal::text(); empty: any
  Meaning means;
  Until until;
  std::string_view evidence;
};

/// The rows in the order in which they are tried, those of everybody last.
std::span<const AnswerRow> answer_rows();

/// Whether a row is one of this provider's.
bool belongs_to(const AnswerRow& row, std::string_view provider);

/// A row in words: `table: ses, 429 TooManyRequestsException (documentation)`.
std::string row_text(const AnswerRow& row);

/// The first rule that fits the refusal: the administrator's own (its `code` is HTTP's status, its `match` sees
/// ApiRefusal::text(), one that asks for an enhanced status or another stage than the end of data never fits), then the
/// provider's rows, then those of everybody.
FoundRule find_rule(const ApiRefusal& refusal, const RelayRules& rules, PatternMatcher& matcher);

/// What the refusal means. It is hard only where a row says that the message or a recipient is at fault: its size, its
/// content, its mailbox. Everything else is soft, since a request may be refused for what we made of it.
Classification classify_refusal(const ApiRefusal& refusal, const RelayRules& rules, PatternMatcher& matcher);

}  // namespace relaypipe
