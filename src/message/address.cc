#include "message/address.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "base/printable.h"

namespace relaypipe {
namespace {

constexpr std::size_t kMaxOctets = 900;  // leaves room for the command and its parameters in a line of 1000 octets
constexpr std::string_view kSpecials = "()<>[]:;@\\,\"";  // RFC 5321 4.1.2, RFC 5322 3.2.3, but the dot

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

/// Octets of an atom or a label: neither blank nor special. Octets above 127 count as text, as in RFC 6531 3.3.
bool is_text(std::string_view text) {
  return text.find(' ') == text.npos && text.find_first_of(kSpecials) == text.npos;
}

/// Non-empty parts separated by single dots.
bool is_dotted(std::string_view text) {
  return !text.empty() && text.front() != '.' && text.back() != '.' && text.find("..") == text.npos;
}

/// A quoted-string as RFC 5321 4.1.2 has it; `text` holds no control octets.
bool is_quoted_string(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return false;
  text = text.substr(1, text.size() - 2);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') return false;
    if (text[i] == '\\' && ++i == text.size()) return false;
  }
  return true;
}

/// As Postfix quotes a local part in its internal form (global/quote_822_local.c). What looks like a source route is
/// quoted with the rest: Postfix takes real ones off before an address gets here.
std::string quoted(std::string_view local) {
  if ((is_dotted(local) && is_text(local)) || is_quoted_string(local)) return std::string(local);
  std::string result = "\"";
  for (const char c : local) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result += '"';
}

/// dcontent of RFC 5321 4.1.3. What is inside is for the relay to judge, but for the two that may end the path there:
/// no literal that is in use has them.
bool is_address_literal(std::string_view domain) {
  if (domain.size() < 3 || domain.front() != '[' || domain.back() != ']') return false;
  domain = domain.substr(1, domain.size() - 2);
  return std::all_of(domain.begin(), domain.end(), [](char c) {
    return c > ' ' && c <= '~' && std::string_view("[\\]<>").find(c) == std::string_view::npos;
  });
}

std::optional<std::string> find_control(std::string_view text) {
  const auto at = std::find_if(text.begin(), text.end(), is_control);
  if (at == text.end()) return std::nullopt;
  if (*at == '\n') return "holds a line feed";
  if (*at == '\r') return "holds a carriage return";
  if (*at == '\0') return "holds a NUL";
  return "holds a control character";
}

std::string_view without_brackets(std::string_view text) {
  const bool bracketed = text.size() >= 2 && text.front() == '<' && text.back() == '>';
  return bracketed ? text.substr(1, text.size() - 2) : text;
}

Result<std::string, std::string> path_text(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos) {
    // The only mailbox that needs no domain (RFC 5321 4.5.1).
    if (lower(text) == "postmaster") return std::string(text);
    return fail(std::string("has no domain"));
  }
  std::string_view domain = text.substr(at + 1);
  if (domain.ends_with('.')) domain.remove_suffix(1);
  if (domain.empty()) return fail(std::string("has an empty domain"));
  const bool valid = is_address_literal(domain) || (is_dotted(domain) && is_text(domain));
  if (!valid) return fail(std::string("has a malformed domain"));
  return quoted(text.substr(0, at)) + '@' + std::string(domain);
}

}  // namespace

std::string_view Address::domain() const {
  const std::size_t at = text_.rfind('@');
  return at == std::string::npos ? std::string_view() : std::string_view(text_).substr(at + 1);
}

bool Address::is_internationalized() const {
  return std::any_of(text_.begin(), text_.end(), [](char c) { return static_cast<unsigned char>(c) > 0x7F; });
}

Result<Address, std::string> parse_address(std::string_view text) {
  if (auto control = find_control(text)) return fail(std::move(*control));
  text = without_brackets(text);
  if (text.empty()) return fail(std::string("is empty"));
  auto path = path_text(text);
  if (!path) return fail(path.error());
  if (path->size() > kMaxOctets) return fail("is longer than " + std::to_string(kMaxOctets) + " octets");
  return Address(*std::move(path));
}

Result<Address, std::string> parse_sender(std::string_view text) {
  const std::string_view bare = without_brackets(text);
  if (bare.empty() || lower(bare) == "mailer-daemon") return Address();
  return parse_address(text);
}

}  // namespace relaypipe
