#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/deadline.h"

namespace relaypipe {

// The texts of Postfix's own tools (postconf(1), postmap(1)), and of shell lines that a person may paste.

/// Splits at white space and, where `commas` says so, at commas; what stands in braces is one word, its braces
/// included. So master(5) splits a command, and postconf(5) a list of tables.
std::vector<std::string> split_postfix_words(std::string_view text, bool commas = false);

/// The word without the braces around it and the blanks inside them; a word without braces as it is.
std::string without_braces(std::string_view word);

/// A line `name = value` of `postconf`, or `key<TAB>value` of `postmap -s`; one of several.
struct PostfixPair {
  std::string name;
  std::string value;
};
/// Lines of `postconf`; others are left out.
std::vector<PostfixPair> parse_postconf(std::string_view text);
/// Lines of `postmap -s`.
std::vector<PostfixPair> parse_postmap(std::string_view text);
/// The value of that name, or an empty text.
std::string value_of(const std::vector<PostfixPair>& pairs, std::string_view name);

/// A span of time as Postfix writes it: a whole number, and s, m, h, d or w; without a unit seconds are meant
/// (command_time_limit in postconf(5)). Nothing where it is none.
std::optional<Duration> parse_postfix_time(std::string_view text);

/// Whether the word is pipe(8)'s macro of that name: `$name`, `${name}` or `$(name)`.
bool is_pipe_macro(std::string_view word, std::string_view name);

/// The text as one word of a shell, in single quotes where it needs them.
std::string shell_word(std::string_view text);

}  // namespace relaypipe
