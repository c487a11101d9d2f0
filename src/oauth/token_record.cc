#include "oauth/token_record.h"

#include <fmt/format.h>

#include <charconv>

#include "base/printable.h"

namespace relaypipe {
namespace {

constexpr std::string_view kVersion = "relaypipe token 1\n";
constexpr std::string_view kEnd = "mark=";

long number(TokenTime time) { return time.time_since_epoch().count(); }

template <class Number>
bool read_number(std::string_view text, Number& number, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool read_time(std::string_view text, TokenTime& time) {
  long seconds = 0;
  // Beyond these a difference of two times could overflow.
  constexpr long kLast = 1L << 40U;
  if (!read_number(text, seconds) || seconds < 0 || seconds > kLast) return false;
  time = TokenTime(std::chrono::seconds(seconds));
  return true;
}

bool read_secret(std::string_view text, Secret& secret) {
  std::string octets(text);
  secret = Secret(octets);
  return true;
}

bool read_text(std::string_view text, std::string& field) {
  field = text;
  return true;
}

bool read_line(std::string_view name, std::string_view value, TokenRecord& record) {
  if (name == "access_token") return read_secret(value, record.access_token);
  if (name == "obtained") return read_time(value, record.obtained);
  if (name == "ends") return read_time(value, record.ends);
  if (name == "refresh_token") return read_secret(value, record.refresh_token);
  if (name == "refresh_obtained") return read_time(value, record.refresh_obtained);
  if (name == "refresh_ends") return read_time(value, record.refresh_ends);
  if (name == "scope") return read_text(value, record.scope);
  if (name == "account") return read_number(value, record.account, 16);
  if (name == "given") return read_number(value, record.given, 16);
  if (name == "after_refusal") return record.after_refusal = value == "1", value == "0" || value == "1";
  if (name == "failed") return read_time(value, record.failed);
  if (name == "failed_given") return read_number(value, record.failed_given, 16);
  if (name == "failure") return read_text(value, record.failure);
  return false;
}

}  // namespace

TokenRecord TokenRecord::clone() const {
  TokenRecord copy;
  copy.access_token = access_token.clone();
  copy.obtained = obtained;
  copy.ends = ends;
  copy.refresh_token = refresh_token.clone();
  copy.refresh_obtained = refresh_obtained;
  copy.refresh_ends = refresh_ends;
  copy.scope = scope;
  copy.account = account;
  copy.given = given;
  copy.after_refusal = after_refusal;
  copy.failed = failed;
  copy.failure = failure;
  copy.failed_given = failed_given;
  return copy;
}

std::uint64_t mark(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001B3U;
  }
  return hash;
}

std::uint64_t account_mark(const Oauth2Config& config) {
  const bool refresh = config.grant == Oauth2Config::Grant::RefreshToken;
  return mark(
      fmt::format("{}\n{}\n{}\n{}", config.token_endpoint, config.client_id, config.scope, refresh ? "r" : "c"));
}

Secret write_token_record(const TokenRecord& record) {
  constexpr std::size_t kRest = 512;  // names and numbers
  std::string text;
  text.reserve(kVersion.size() + record.access_token.reveal().size() + record.refresh_token.reveal().size() +
               record.scope.size() + record.failure.size() + kRest);
  const auto line = [&text](std::string_view name, std::string_view value) {
    text.append(name).append("=").append(value).append("\n");
  };
  text = kVersion;
  line("access_token", record.access_token.reveal());
  line("obtained", std::to_string(number(record.obtained)));
  line("ends", std::to_string(number(record.ends)));
  line("refresh_token", record.refresh_token.reveal());
  line("refresh_obtained", std::to_string(number(record.refresh_obtained)));
  line("refresh_ends", std::to_string(number(record.refresh_ends)));
  line("scope", printable(record.scope));
  line("account", fmt::format("{:016x}", record.account));
  line("given", fmt::format("{:016x}", record.given));
  line("after_refusal", record.after_refusal ? "1" : "0");
  line("failed", std::to_string(number(record.failed)));
  line("failed_given", fmt::format("{:016x}", record.failed_given));
  line("failure", printable(record.failure));
  line("mark", fmt::format("{:016x}", mark(text)));
  return Secret(text);
}

Result<TokenRecord, std::string> parse_token_record(std::string_view text) {
  if (!text.starts_with(kVersion)) return fail(std::string("is not a token file of this version"));
  const std::size_t last = text.size() < 2 ? 0 : text.rfind('\n', text.size() - 2) + 1;
  std::uint64_t sum = 0;
  std::string_view end = text.substr(last);
  if (!end.starts_with(kEnd) || !end.ends_with('\n')) return fail(std::string("is damaged: its end is missing"));
  end = end.substr(kEnd.size(), end.size() - kEnd.size() - 1);
  if (!read_number(end, sum, 16) || sum != mark(text.substr(0, last)))
    return fail(std::string("is damaged: it was changed"));
  std::string_view rest = text.substr(kVersion.size(), last - kVersion.size());
  TokenRecord record;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || !read_line(line.substr(0, equals), line.substr(equals + 1), record))
      return fail(std::string("has a line that means nothing here"));
  }
  return record;
}

TokenRecord renewed(const TokenRecord& before, const GrantedToken& granted, TokenTime now) {
  TokenRecord record = before.clone();
  record.access_token = granted.access_token.clone();
  record.obtained = now;
  record.ends = now + granted.lifetime;
  if (!granted.scope.empty()) record.scope = granted.scope;
  if (!granted.refresh_token.empty()) {
    record.refresh_token = granted.refresh_token.clone();
    record.refresh_obtained = now;
    record.refresh_ends = {};
  }
  if (granted.refresh_lifetime) record.refresh_ends = now + *granted.refresh_lifetime;
  record.failed = {};
  record.failure.clear();
  return record;
}

}  // namespace relaypipe
