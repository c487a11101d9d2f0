#include "smtp/dsn_parameters.h"

#include <algorithm>
#include <array>

#include "base/printable.h"
#include "base/text.h"
#include "smtp/client_report.h"

namespace relaypipe {
namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x7F; });
}

std::string upper(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return result;
}

/// An address type: an atom.
bool is_type(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

/// utf-8-addr-xtext or utf-8-addr-unitext (RFC 6533 section 3): the `\x{...}` in it are for the one who shows them.
bool is_utf8_address(std::string_view text) {
  return !text.empty() && text.find_first_of(" +=") == std::string_view::npos && !has_control(text) &&
         printable(text) == text;
}

}  // namespace

std::optional<std::string> parse_ret(std::string_view value) {
  std::string ret = upper(value);
  if (ret != "FULL" && ret != "HDRS") return std::nullopt;
  return ret;
}

std::optional<std::string> parse_envid(std::string_view value) {
  const auto id = parse_xtext(value);
  if (!id || id->empty() || has_control(*id)) return std::nullopt;
  return std::string(value);
}

std::optional<std::string> parse_notify(std::string_view value) {
  constexpr std::array<std::string_view, 3> kConditions = {"SUCCESS", "FAILURE", "DELAY"};
  std::string notify = upper(value);
  if (notify == "NEVER") return notify;
  for (std::string_view rest = notify;;) {
    const std::size_t comma = rest.find(',');
    if (std::find(kConditions.begin(), kConditions.end(), rest.substr(0, comma)) == kConditions.end()) {
      return std::nullopt;
    }
    if (comma == std::string_view::npos) return notify;
    rest.remove_prefix(comma + 1);
  }
}

std::optional<std::string> parse_orcpt(std::string_view value) {
  const std::size_t semicolon = value.find(';');
  if (semicolon == std::string_view::npos) return std::nullopt;
  const std::string_view type = value.substr(0, semicolon);
  const std::string_view address = value.substr(semicolon + 1);
  if (!is_type(type) || address.empty()) return std::nullopt;
  const bool valid = parse_xtext(address) || (lower(type) == "utf-8" && is_utf8_address(address));
  if (!valid) return std::nullopt;
  return std::string(value);
}

std::string mail_dsn_parameters(const Envelope& envelope) {
  std::string text;
  if (!envelope.dsn.ret.empty()) text += " RET=" + envelope.dsn.ret;
  if (!envelope.dsn.envid.empty()) text += " ENVID=" + envelope.dsn.envid;
  return text;
}

std::string rcpt_dsn_parameters(const Envelope& envelope, std::size_t recipient, bool smtputf8) {
  if (recipient >= envelope.recipient_dsn.size()) return {};
  const RecipientDsn& dsn = envelope.recipient_dsn[recipient];
  std::string text;
  if (!dsn.notify.empty()) text += " NOTIFY=" + dsn.notify;
  if (!dsn.orcpt.empty() && (smtputf8 || is_ascii(dsn.orcpt))) text += " ORCPT=" + dsn.orcpt;
  return text;
}

}  // namespace relaypipe
