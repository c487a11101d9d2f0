#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "relay/reply_rule.h"

namespace relaypipe {

// The words in which an administrator, the log and `relaypipe classify` speak of what replies mean.

/// `quota`, `sender-not-allowed`; `unknown` where it is not known.
std::string_view cause_name(Cause cause);
/// `relay`, `relay+sender`, `relay+recipient-domain`, `unknown`, `message`, `recipient`.
std::string_view scope_name(Scope scope);

/// The words for `means`: the causes, each with the scope it has, and `relay`, `message`, `recipient`, `unknown`, which
/// say whose it is and nothing of why.
std::span<const std::string_view> meaning_words();
std::optional<Meaning> find_meaning(std::string_view word);

/// `24h`, `00:00 UTC`, `next hour`, `credentials`; empty where it is not known.
std::string until_text(const Until& until);
/// Reads the same. The error says what is allowed.
Result<Until, std::string> parse_until(std::string_view text);

/// What is wrong with a pattern of reply codes (`554`, `4xx`) or of enhanced statuses (`5.7.1`, `4.7.x`), and what is
/// allowed; nothing where it may be used.
std::optional<std::string> code_problem(std::string_view pattern);
std::optional<std::string> status_problem(std::string_view pattern);

}  // namespace relaypipe
