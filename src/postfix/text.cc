#include "postfix/text.h"
#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace relaypipe {
namespace {

/// Cuts the text at the sign, once; nothing where it is not there.
std::optional<PostfixPair> cut(std::string_view line, std::string_view sign) {
  const std::size_t at = line.find(sign);
  if (at == line.npos) return std::nullopt;
  return PostfixPair{std::string(trimmed(line.substr(0, at))), std::string(trimmed(line.substr(at + sign.size())))};
}

std::vector<PostfixPair> pairs_of(std::string_view text, std::string_view sign) {
  std::vector<PostfixPair> pairs;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (auto pair = cut(text.substr(0, end), sign)) pairs.push_back(*std::move(pair));
    if (end == text.npos) break;
    text.remove_prefix(end + 1);
  }
  return pairs;
}

}  // namespace

std::vector<std::string> split_postfix_words(std::string_view text, bool commas) {
  std::vector<std::string> words;
  std::string word;
  int depth = 0;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (const char c : text) {
    const bool separates = kWhitespace.find(c) != kWhitespace.npos || (commas && c == ',');
    if (separates && depth == 0) {
      end_word();
      continue;
    }
    if (c == '{') ++depth;
    if (c == '}' && depth > 0) --depth;
    word += c;
  }
  end_word();
  return words;
}

std::string without_braces(std::string_view word) {
  if (word.size() < 2 || word.front() != '{' || word.back() != '}') return std::string(word);
  return std::string(trimmed(word.substr(1, word.size() - 2)));
}

std::vector<PostfixPair> parse_postconf(std::string_view text) { return pairs_of(text, "="); }

std::vector<PostfixPair> parse_postmap(std::string_view text) { return pairs_of(text, "\t"); }

std::string value_of(const std::vector<PostfixPair>& pairs, std::string_view name) {
  const auto found = std::find_if(pairs.begin(), pairs.end(), [&](const PostfixPair& p) { return p.name == name; });
  return found == pairs.end() ? std::string() : found->value;
}

std::optional<Duration> parse_postfix_time(std::string_view text) {
  constexpr std::uint64_t kLongest = 10ULL * 365 * 86400;
  std::uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number > kLongest) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(rest - text.data()));
  std::uint64_t seconds = 1;
  if (unit == "m")
    seconds = 60;
  else if (unit == "h")
    seconds = 3600;
  else if (unit == "d")
    seconds = 86400;
  else if (unit == "w")
    seconds = std::uint64_t{7} * 86400;
  else if (!unit.empty() && unit != "s")
    return std::nullopt;
  return std::chrono::seconds(std::min(number * seconds, kLongest));
}

bool is_pipe_macro(std::string_view word, std::string_view name) {
  if (!word.starts_with('$')) return false;
  word.remove_prefix(1);
  const bool enclosed =
      word.size() > 2 && ((word.front() == '{' && word.back() == '}') || (word.front() == '(' && word.back() == ')'));
  return (enclosed ? word.substr(1, word.size() - 2) : word) == name;
}

std::string shell_word(std::string_view text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-./:=,@%+").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return std::string(text);
  std::string quoted = "'";
  for (const char c : text)
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace relaypipe
