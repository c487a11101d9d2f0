#include "relay/address_pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "base/printable.h"
#include "base/text.h"
#include "relay/host.h"

namespace relaypipe {
namespace {

constexpr std::string_view kForms = "write user@domain, @domain, @.domain or <>";
constexpr std::size_t kExact = std::numeric_limits<std::size_t>::max();

struct Parts {
  std::string_view local;
  std::string_view domain;
};

/// Both empty for the null sender; an address without a domain (`postmaster`) has only a local part.
Parts split(std::string_view address) {
  const std::size_t at = address.rfind('@');
  if (at == address.npos) return {address, {}};
  return {address.substr(0, at), address.substr(at + 1)};
}

char folded(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// `known` is in lower case.
bool same(std::string_view text, std::string_view known) {
  return std::equal(text.begin(), text.end(), known.begin(), known.end(),
                    [](char a, char b) { return folded(a) == b; });
}

/// A local part without its quoting: "a b" and a\ b name one mailbox (RFC 5321 4.1.2), however a client wrote it.
std::string unquoted(std::string_view local) {
  const bool quoted = local.size() > 1 && local.front() == '"' && local.back() == '"';
  if (!quoted) return std::string(local);
  std::string text;
  for (std::size_t i = 1; i + 1 < local.size(); ++i) {
    if (local[i] == '\\' && i + 2 < local.size()) ++i;
    text += local[i];
  }
  return text;
}

/// Domains outside ASCII reach us as SMTPUTF8 has them, and an address literal is not ours to judge.
std::optional<std::string> domain_problem(std::string_view domain, bool parent) {
  if (domain.empty()) return "the domain is missing";
  if (!parent && domain.size() > 2 && domain.front() == '[' && domain.back() == ']') return std::nullopt;
  const bool ascii =
      std::all_of(domain.begin(), domain.end(), [](char c) { return static_cast<unsigned char>(c) < 128; });
  if (ascii) return host_name_problem(domain);
  const bool dotted = domain.front() != '.' && domain.back() != '.' && domain.find("..") == domain.npos;
  return dotted ? std::nullopt : std::optional<std::string>("the host name has an empty label");
}

/// Addresses come to us with a dot-string or a quoted string before the "@"; another pattern would never match.
std::optional<std::string> local_problem(std::string_view local) {
  const bool quoted = local.size() > 1 && local.front() == '"' && local.back() == '"';
  const std::size_t at = quoted ? local.npos : local.find_first_of(" @\"");
  if (at == local.npos) return std::nullopt;
  if (local[at] == ' ') return "there is a blank outside quotes";
  return local[at] == '@' ? "there is a second \"@\" outside quotes" : "the quotes do not enclose the local part";
}

}  // namespace

bool AddressPattern::matches(std::string_view address) const {
  if (text_.empty() || address.empty()) return text_.empty() && address.empty();
  const Parts pattern = split(text_);
  const Parts given = split(address);
  if (pattern.domain.starts_with('.')) {
    const std::size_t length = pattern.domain.size();
    // Longer, because ".example.com" as a whole is no sub-domain of itself.
    return given.domain.size() > length && same(given.domain.substr(given.domain.size() - length), pattern.domain);
  }
  if (!same(given.domain, pattern.domain)) return false;
  if (pattern.local.empty()) return true;
  return lower(unquoted(given.local)) == unquoted(pattern.local);
}

bool AddressPattern::covers(const AddressPattern& other) const {
  // A domain alone, and a parent's leading dot, are compared like those of an address.
  return *this == other || matches(other.text_);
}

std::size_t AddressPattern::precision() const {
  if (text_.empty() || text_.front() != '@') return kExact;
  if (!text_.starts_with("@.")) return kExact - 1;
  return text_.size();
}

std::optional<std::string> without_extension(std::string_view address, std::string_view delimiters) {
  const Parts parts = split(address);
  const std::string local = lower(parts.local);
  if (local == "postmaster" || local == "mailer-daemon" || local == "double-bounce") return std::nullopt;
  const bool list = local.starts_with("owner-") || local.ends_with("-request");
  if (list && delimiters.find('-') != delimiters.npos) return std::nullopt;
  const std::size_t at = parts.local.find_first_of(delimiters);
  // A quoted local part is one word; a delimiter at its start has nothing before it that could be an address.
  if (at == parts.local.npos || at == 0 || parts.local.front() == '"') return std::nullopt;
  return std::string(parts.local.substr(0, at)).append(address.substr(parts.local.size()));
}

bool matches_any(std::span<const AddressPattern> patterns, std::string_view address, std::string_view delimiters) {
  const auto plain = without_extension(address, delimiters);
  return std::any_of(patterns.begin(), patterns.end(), [&](const AddressPattern& pattern) {
    return pattern.matches(address) || (plain && pattern.matches(*plain));
  });
}

Result<AddressPattern, std::string> parse_address_pattern(std::string_view text) {
  const auto wrong = [&](std::string_view what) {
    return fail(fmt::format("\"{}\" is not a valid address pattern: {}; {}", shown(text), what, kForms));
  };
  if (text == "<>") return AddressPattern(std::string());
  if (text.empty()) return wrong("it is empty");
  if (has_control(text)) return wrong("there is a control character");
  if (text.front() == '<' || text.back() == '>') return wrong("only the null sender is written with < and >");
  const std::size_t at = text.rfind('@');
  if (at == text.npos) return wrong("\"@\" is missing");
  if (const std::optional<std::string> problem = local_problem(text.substr(0, at))) return wrong(*problem);
  std::string_view domain = text.substr(at + 1);
  const bool parent = at == 0 && domain.starts_with('.');
  if (parent) domain.remove_prefix(1);
  if (const std::optional<std::string> problem = domain_problem(domain, parent)) {
    // Its own forms, for instance a host name, would be a second advice beside ours.
    return wrong(std::string_view(*problem).substr(0, problem->rfind(';')));
  }
  return AddressPattern(lower(text));
}

}  // namespace relaypipe
