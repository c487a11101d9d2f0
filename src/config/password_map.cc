#include "config/password_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/printable.h"
#include "base/text.h"
#include "relay/address_pattern.h"

namespace relaypipe {
namespace {

constexpr std::string_view kForm = "; write a key, a blank and username:password";
constexpr std::uint16_t kSmtpPort = 25;

/// Where the key ends: at the first blank outside quotes. Nothing where a quote is not closed.
std::optional<std::size_t> end_of_key(std::string_view line) {
  bool quoted = false;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '\\') {
      ++at;
    } else if (line[at] == '"') {
      quoted = !quoted;
    } else if (!quoted && kWhitespace.find(line[at]) != kWhitespace.npos) {
      return at;
    }
  }
  if (quoted) return std::nullopt;
  return line.size();
}

/// Splits a value into the account, or says why it is none.
std::string read_value(std::string_view value, MapAccount& account) {
  if (value.empty()) return fmt::format("there is no username and password{}", kForm);
  const std::size_t colon = value.find(':');
  if (colon == value.npos) return fmt::format("there is no \":\" between username and password{}", kForm);
  if (colon == 0) return fmt::format("the username is empty{}", kForm);
  if (colon + 1 == value.size()) return fmt::format("the password is empty{}", kForm);
  if (has_control(value)) return "there is a control character in the username or password";
  account.username = value.substr(0, colon);
  std::string password(value.substr(colon + 1));
  account.password = Secret(password);
  return {};
}

MapAccount read_line(std::string_view line, std::uint32_t number) {
  MapAccount account;
  account.line = number;
  const auto end = end_of_key(line);
  if (!end) {
    account.problem = "a double quote is not closed";
    return account;
  }
  account.key = lower(line.substr(0, *end));
  account.problem = read_value(trimmed(line.substr(*end)), account);
  return account;
}

/// Cuts a text into logical lines.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  ~Lines() { Secret::wipe(joined_); }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  /// The next one, or false at the end. It holds until the next call.
  bool next() {
    joined_.clear();
    while (!rest_.empty()) {
      const std::string_view line = rest_.substr(0, rest_.find('\n'));
      const std::string_view content = trimmed(line);
      const bool empty = content.empty() || content.front() == '#';
      const bool continues = kWhitespace.find(line.empty() ? 'x' : line.front()) != kWhitespace.npos;
      if (!empty && !joined_.empty() && !continues) return true;
      if (!empty && joined_.empty()) first_ = number_ + 1;
      if (!empty) append(content);
      ++number_;
      rest_.remove_prefix(std::min(line.size() + 1, rest_.size()));
    }
    return !joined_.empty();
  }

  [[nodiscard]] std::string_view text() const { return joined_; }
  [[nodiscard]] std::uint32_t number() const { return first_; }

 private:
  /// Grows by copying, so that what is left behind is wiped.
  void append(std::string_view part) {
    std::string longer;
    longer.reserve(joined_.size() + part.size() + 1);
    longer.append(joined_).append(joined_.empty() ? "" : " ").append(part);
    joined_.swap(longer);
    Secret::wipe(longer);
  }

  std::string_view rest_;
  std::string joined_;
  std::uint32_t number_ = 0;
  std::uint32_t first_ = 0;
};

/// `[host]:587`, as Postfix has it written: the destination without what only we know.
std::string_view postfix_text(std::string_view text) {
  for (const std::string_view prefix : {"smtp:", "smtps:", "srv:"}) {
    if (lower(text.substr(0, prefix.size())) == prefix) return text.substr(prefix.size());
  }
  return text;
}

}  // namespace

std::vector<MapAccount> parse_password_map(std::string_view text) {
  std::vector<MapAccount> map;
  std::map<std::string, std::uint32_t, std::less<>> known;
  // An editor's byte order mark would be a part of the first key, which then fits no relay.
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Lines lines(text);
  while (lines.next()) {
    MapAccount account = read_line(lines.text(), lines.number());
    const auto [first, fresh] = known.try_emplace(account.key, account.line);
    if (!fresh && !account.key.empty()) {
      account.problem = fmt::format("the key stands in line {} already, which counts", first->second);
    }
    map.push_back(std::move(account));
  }
  return map;
}

std::vector<std::string> password_map_keys(std::string_view sender, std::string_view host,
                                           const Destination& destination, std::string_view delimiters) {
  std::vector<std::string> keys;
  const auto add = [&](std::string key) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(std::move(key));
  };
  const std::size_t at = sender.rfind('@');
  if (!sender.empty()) add(lower(sender));
  if (const auto plain = without_extension(sender, delimiters)) add(lower(*plain));
  if (at != sender.npos) add(lower(sender.substr(at)));
  add(lower(host));
  add(lower(postfix_text(destination.text)));
  const std::string literal = destination.host.find(':') != std::string::npos ? "ipv6:" : "";
  const std::string plain =
      destination.lookup == Lookup::Address ? fmt::format("[{}{}]", literal, destination.host) : destination.host;
  add(fmt::format("{}:{}", plain, destination.port));
  if (destination.port == kSmtpPort) add(plain);
  return keys;
}

const MapAccount* find_account(std::span<const MapAccount> map, std::span<const std::string> keys) {
  for (const std::string& key : keys) {
    const auto found = std::find_if(map.begin(), map.end(), [&](const MapAccount& a) { return a.key == key; });
    if (found != map.end()) return &*found;
  }
  return nullptr;
}

}  // namespace relaypipe
