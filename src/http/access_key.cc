#include "http/access_key.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/printable.h"
#include "base/text.h"

namespace relaypipe {
namespace {

constexpr std::string_view kId = "aws_access_key_id";
constexpr std::string_view kSecret = "aws_secret_access_key";
constexpr std::string_view kToken = "aws_session_token";

std::string_view without_quotes(std::string_view text) {
  const bool quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front();
  return quoted ? text.substr(1, text.size() - 2) : text;
}

/// The values, as views into the text.
struct Found {
  std::optional<std::string_view> id;
  std::optional<std::string_view> secret;
  std::optional<std::string_view> token;
  bool twice = false;

  void set(std::optional<std::string_view>& value, std::string_view text) {
    twice = twice || value.has_value();
    value = text;
  }
};

void read_line(std::string_view line, Found& found) {
  constexpr std::string_view kExport = "export ";
  line = trimmed(line);
  if (line.starts_with(kExport)) line = trimmed(line.substr(kExport.size()));
  const std::size_t equals = line.find('=');
  if (line.empty() || line.front() == '#' || line.front() == ';' || equals == line.npos) return;
  const std::string name = lower(trimmed(line.substr(0, equals)));
  const std::string_view value = without_quotes(trimmed(line.substr(equals + 1)));
  if (name == kId) found.set(found.id, value);
  if (name == kSecret) found.set(found.secret, value);
  if (name == kToken) found.set(found.token, value);
}

Found read_lines(std::string_view text) {
  Found found;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    read_line(text.substr(0, end), found);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return found;
}

/// A value of the JSON forms, at its top or below `Credentials`.
std::optional<std::string_view> member(const JsonMembers& members, std::string_view name) {
  for (const std::string& path : {std::string(name), "Credentials." + std::string(name)}) {
    if (const std::string_view value = members.at(path); !value.empty()) return value;
  }
  return std::nullopt;
}

Found read_members(const JsonMembers& members) {
  Found found{member(members, "AccessKeyId"), member(members, "SecretAccessKey"), member(members, "SessionToken")};
  if (!found.token) found.token = member(members, "Token");
  return found;
}

/// Whether a value may stand in the head of a request.
bool is_visible(std::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

Secret secret_of(std::string_view value) {
  std::string octets(value);
  return Secret(octets);
}

}  // namespace

Result<AccessKey, std::string> parse_access_key(std::string_view text, ReadJson read_json) {
  const auto json = trimmed(text).starts_with('{') ? read_json(text) : std::nullopt;
  const Found found = json ? read_members(*json) : read_lines(text);
  if (found.twice) return fail(std::string("holds more than one access key; leave one there"));
  if (!found.id || !found.secret) {
    return fail(
        std::string("holds no access key: write AWS_ACCESS_KEY_ID=... and AWS_SECRET_ACCESS_KEY=..., each in a "
                    "line, or the secret alone and its id as username"));
  }
  const bool usable = is_visible(*found.id) && is_visible(*found.secret) && is_visible(found.token.value_or("-"));
  if (!usable) return fail(std::string("holds an access key with an empty value or an octet that none has"));
  return AccessKey{std::string(*found.id), secret_of(*found.secret), secret_of(found.token.value_or(""))};
}

}  // namespace relaypipe
