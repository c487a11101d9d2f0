#include "postfix/table.h"

#include <algorithm>
#include <initializer_list>
#include <optional>

namespace relaypipe {
namespace {

constexpr std::string_view kBlanks = " \t\r";

bool among(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string_view without_blanks_before(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  return begin == text.npos ? std::string_view() : text.substr(begin);
}

/// Where the pattern of a regexp or pcre rule ends, its flags included.
std::size_t end_of_pattern(std::string_view rule) {
  const char delimiter = rule.front();
  std::size_t i = 1;
  while (i < rule.size() && rule[i] != delimiter) {
    if (rule[i] == '\\') ++i;
    ++i;
  }
  return std::min(rule.find_first_of(kBlanks, std::min(i, rule.size())), rule.size());
}

std::optional<PostfixPair> parse_rule(std::string_view type, std::string_view rule) {
  rule = without_blanks_before(rule);
  if (rule.empty() || rule.front() == '#') return std::nullopt;
  const std::string_view word = rule.substr(0, rule.find_first_of(kBlanks));
  if (among(word, {"if", "IF", "endif", "ENDIF"})) return std::nullopt;
  const bool cidr = type == "cidr";
  if (!cidr && rule.front() == '!') rule.remove_prefix(1);
  if (rule.empty()) return std::nullopt;
  const std::size_t end = cidr ? word.size() : end_of_pattern(rule);
  return PostfixPair{std::string(rule.substr(0, end)), std::string(without_blanks_before(rule.substr(end)))};
}

/// The logical lines of a table: one that begins with a blank goes on with the line before.
std::vector<std::string> logical_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    if (kBlanks.find(line.front()) != kBlanks.npos && !lines.empty())
      lines.back() += line;
    else
      lines.emplace_back(line);
  }
  return lines;
}

}  // namespace

std::vector<PostfixTable> parse_postfix_tables(std::string_view value) {
  constexpr std::string_view kProxy = "proxy:";
  std::vector<PostfixTable> tables;
  for (std::string word : split_postfix_words(value, true)) {
    // proxymap(8) opens the same table.
    if (word.starts_with(kProxy)) word.erase(0, kProxy.size());
    const std::size_t colon = word.find(':');
    if (colon == word.npos || word.starts_with('/')) continue;
    PostfixTable table{word, word.substr(0, colon), word.substr(colon + 1), PostfixTable::Kind::Hidden, false};
    table.indexed = among(table.type, {"hash", "btree", "lmdb", "cdb", "dbm", "sdbm"});
    if (table.indexed || among(table.type, {"texthash", "inline"})) table.kind = PostfixTable::Kind::Listed;
    if (among(table.type, {"regexp", "pcre", "cidr"})) table.kind = PostfixTable::Kind::Pattern;
    if (table.type == "static") table.kind = PostfixTable::Kind::Constant;
    tables.push_back(std::move(table));
  }
  return tables;
}

std::vector<PostfixPair> parse_pattern_table(std::string_view type, std::string_view text) {
  std::vector<PostfixPair> rules;
  std::vector<std::string> lines = logical_lines(text);
  if (text.starts_with('{')) {
    lines = split_postfix_words(without_braces(text), true);
    for (std::string& line : lines)
      line = without_braces(line);
  }
  for (const std::string& line : lines) {
    if (auto rule = parse_rule(type, line)) rules.push_back(*std::move(rule));
  }
  return rules;
}

}  // namespace relaypipe
