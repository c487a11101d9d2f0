#include "smtp/capabilities.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace relaypipe {
namespace {

/// ASCII upper case: keywords, mechanisms and attribute names do not depend on case (RFC 5321 2.4).
std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return result;
}

/// The words of a line in upper case.
std::vector<std::string> words_of(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  std::vector<std::string> words;
  for (;;) {
    const std::size_t begin = line.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return words;
    line.remove_prefix(begin);
    const std::size_t end = std::min(line.find_first_of(kBlanks), line.size());
    words.push_back(upper(line.substr(0, end)));
    line.remove_prefix(end);
  }
}

/// Letters, digits, hyphen and underscore are all that mechanism names (RFC 4422 3.1) and attribute names consist of.
bool is_name(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

void add_name(std::vector<std::string>& names, std::string_view word) {
  if (is_name(word) && std::find(names.begin(), names.end(), word) == names.end()) names.emplace_back(word);
}

/// The limit SIZE names. Zero means no fixed limit (RFC 1870 section 3); what is not a number, or one beyond 64 bits,
/// cannot be judged by and is taken as none too.
std::optional<std::uint64_t> limit_of(const std::vector<std::string>& words) {
  if (words.size() < 2) return std::nullopt;
  std::uint64_t limit = 0;
  const char* const end = words[1].data() + words[1].size();
  const auto [stop, error] = std::from_chars(words[1].data(), end, limit);
  if (error != std::errc{} || stop != end || limit == 0) return std::nullopt;
  return limit;
}

void add_names(std::vector<std::string>& names, const std::vector<std::string>& words) {
  for (std::size_t i = 1; i < words.size(); ++i)
    add_name(names, words[i]);
}

/// The words of a line, the keyword first. `AUTH=PLAIN LOGIN` is how AUTH was announced before RFC 2554.
std::vector<std::string> ehlo_words(std::string_view line) {
  constexpr std::string_view kOldAuth = "AUTH=";
  auto words = words_of(line);
  if (words.empty() || !words.front().starts_with(kOldAuth)) return words;
  words.insert(words.begin() + 1, words.front().substr(kOldAuth.size()));
  words.front() = "AUTH";
  return words;
}

bool is_discarded(std::string_view keyword, std::span<const std::string> discarded) {
  return std::find(discarded.begin(), discarded.end(), keyword) != discarded.end();
}

void read_line(Capabilities& all, const std::vector<std::string>& words) {
  const std::string& keyword = words.front();
  if (keyword == "PIPELINING") all.pipelining = true;
  if (keyword == "8BITMIME") all.eight_bit_mime = true;
  if (keyword == "SMTPUTF8") all.smtputf8 = true;
  if (keyword == "STARTTLS") all.starttls = true;
  if (keyword == "ENHANCEDSTATUSCODES") all.enhanced_status = true;
  if (keyword == "DSN") all.dsn = true;
  if (keyword == "SIZE") {
    all.size = true;
    all.size_limit = limit_of(words);
  }
  if (keyword == "XFORWARD") add_names(all.xforward, words);
  if (keyword == "XCLIENT") add_names(all.xclient, words);
  if (keyword == "AUTH") add_names(all.auth, words);
}

}  // namespace

Capabilities parse_capabilities(const Reply& ehlo, std::span<const std::string> discarded) {
  Capabilities all;
  for (std::size_t i = 1; i < ehlo.lines.size(); ++i) {
    const auto words = ehlo_words(ehlo.lines[i]);
    if (!words.empty() && !is_discarded(words.front(), discarded)) read_line(all, words);
  }
  return all;
}

std::string strict_ehlo_line(std::string_view line, std::span<const std::string> discarded) {
  const auto words = ehlo_words(line);
  if (words.empty() || is_discarded(words.front(), discarded)) return {};
  if (words.front() == "STARTTLS") return words.front();
  if (words.front() != "AUTH") return {};
  std::string strict = "AUTH";
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (is_name(words[i])) strict += " " + words[i];
  }
  return strict;
}

}  // namespace relaypipe
