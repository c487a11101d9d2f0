#include "relay/reply_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/printable.h"
#include "relay/units.h"

namespace relaypipe {
namespace {

constexpr std::string_view kUntilForm =
    "write a duration such as \"24h\", or \"00:00 UTC\", \"next hour\" or \"credentials\"";

// Two arrays, because the words alone are what nearest() looks through.
constexpr std::array<std::string_view, 16> kWords{
    "network", "tls",     "auth",    "quota",           "rate",  "account", "policy",    "sender-not-allowed",
    "size",    "content", "mailbox", "relaying-denied", "relay", "message", "recipient", "unknown"};
constexpr std::array<Meaning, kWords.size()> kMeanings{{{Scope::Relay, Cause::Network},
                                                        {Scope::Relay, Cause::Tls},
                                                        {Scope::Relay, Cause::Auth},
                                                        {Scope::Relay, Cause::Quota},
                                                        {Scope::Relay, Cause::Rate},
                                                        {Scope::Relay, Cause::Account},
                                                        {Scope::Relay, Cause::Policy},
                                                        {Scope::RelaySender, Cause::SenderNotAllowed},
                                                        {Scope::Message, Cause::Size},
                                                        {Scope::Message, Cause::Content},
                                                        {Scope::Recipient, Cause::Mailbox},
                                                        {Scope::RelayRecipientDomain, Cause::RelayingDenied},
                                                        {Scope::Relay, Cause::Unknown},
                                                        {Scope::Message, Cause::Unknown},
                                                        {Scope::Recipient, Cause::Unknown},
                                                        {Scope::Unknown, Cause::Unknown}}};

bool is_digit_or_x(char c) { return (c >= '0' && c <= '9') || c == 'x'; }

/// One number of a status: `x`, or one to three digits.
bool is_number_or_x(std::string_view text) {
  return text == "x" || (!text.empty() && text.size() <= 3 &&
                         std::all_of(text.begin(), text.end(), [](char c) { return c != 'x' && is_digit_or_x(c); }));
}

}  // namespace

std::string_view cause_name(Cause cause) {
  for (std::size_t i = 0; i < kMeanings.size(); ++i) {
    if (cause != Cause::Unknown && kMeanings.at(i).cause == cause) return kWords.at(i);
  }
  return "unknown";
}

std::string_view scope_name(Scope scope) {
  switch (scope) {
    case Scope::Relay: return "relay";
    case Scope::RelaySender: return "relay+sender";
    case Scope::RelayRecipientDomain: return "relay+recipient-domain";
    case Scope::Unknown: return "unknown";
    case Scope::Message: return "message";
    case Scope::Recipient: break;
  }
  return "recipient";
}

std::span<const std::string_view> meaning_words() { return kWords; }

std::optional<Meaning> find_meaning(std::string_view word) {
  const auto* const found = std::find(kWords.begin(), kWords.end(), word);
  if (found == kWords.end()) return std::nullopt;
  return kMeanings.at(static_cast<std::size_t>(found - kWords.begin()));
}

std::string until_text(const Until& until) {
  switch (until.kind) {
    case Until::Kind::After: return format_duration(until.span);
    case Until::Kind::UtcMidnight: return "00:00 UTC";
    case Until::Kind::NextHour: return "next hour";
    case Until::Kind::Credentials: return "credentials";
    case Until::Kind::Unknown: break;
  }
  return {};
}

Result<Until, std::string> parse_until(std::string_view text) {
  const std::string word = lower(text);
  if (word == "00:00 utc") return Until{Until::Kind::UtcMidnight, {}};
  if (word == "next hour") return Until{Until::Kind::NextHour, {}};
  if (word == "credentials") return Until{Until::Kind::Credentials, {}};
  const auto span = parse_duration(word);
  if (!span || *span <= Duration::zero()) {
    return fail(fmt::format("\"{}\" is not a valid time; {}", clip(printable(text), 60), kUntilForm));
  }
  return Until{Until::Kind::After, *span};
}

std::optional<std::string> code_problem(std::string_view pattern) {
  const bool digits = pattern.size() == 3 && std::all_of(pattern.begin(), pattern.end(), is_digit_or_x);
  if (digits && (pattern[0] == '4' || pattern[0] == '5' || pattern[0] == 'x')) return std::nullopt;
  return fmt::format(
      "\"{}\" is not a valid reply code of a refusal; write three digits such as \"554\", with x for any: \"4xx\"",
      clip(printable(pattern), 60));
}

std::optional<std::string> status_problem(std::string_view pattern) {
  const std::size_t first = std::min(pattern.find('.'), pattern.size());
  const std::size_t second = std::min(pattern.find('.', first + 1), pattern.size());
  const std::string_view klass = pattern.substr(0, first);
  if (second < pattern.size() && (klass == "4" || klass == "5" || klass == "x") &&
      is_number_or_x(pattern.substr(first + 1, second - first - 1)) && is_number_or_x(pattern.substr(second + 1))) {
    return std::nullopt;
  }
  return fmt::format(
      "\"{}\" is not a valid enhanced status of a refusal; write three numbers such as \"5.7.1\", with x for any: "
      "\"4.7.x\"",
      clip(printable(pattern), 60));
}

}  // namespace relaypipe
