#include "config/read_fleet.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/printable.h"
#include "base/text.h"
#include "config/read_oauth2.h"
#include "config/setting_values.h"
#include "relay/host.h"
#include "relay/units.h"

namespace relaypipe {
namespace {

constexpr std::string_view kUrlForm =
    "write redis://HOST:PORT, rediss://HOST:PORT for TLS, or unix:/PATH of the server's socket";
constexpr std::string_view kNameForm = "write 1 to 64 letters, digits, \"-\", \"_\", \".\" or \":\"";
constexpr std::string_view kUserForm = "write the name of a user of the server's ACL, without spaces";
constexpr std::string_view kAwayForm = "write \"share\", \"closed\" or \"open\"";
constexpr std::array<std::pair<WhenAway, std::string_view>, 3> kAwayNames{
    {{WhenAway::Share, "share"}, {WhenAway::Closed, "closed"}, {WhenAway::Open, "open"}}};
constexpr std::string_view kNameOctets = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:";
constexpr std::size_t kLongestName = 64;
constexpr std::size_t kLongestSocket = 107;  // unix(7)
constexpr std::uint64_t kMostPort = 65'535;
constexpr std::uint64_t kMostDatabase = 65'535;
constexpr Duration kLeastTimeout = std::chrono::milliseconds(1);
constexpr Duration kMostTimeout = std::chrono::seconds(5);

using Address = Result<StoreAddress, std::string>;

Address parse_unix(std::string_view path) {
  StoreAddress address{.way = StoreAddress::Way::Unix, .host = {}, .path = std::string(path)};
  if (path.empty() || path.front() != '/' || path.size() > kLongestSocket || has_control(path)) {
    return fail(fmt::format("behind unix: stands an absolute path of at most {} octets", kLongestSocket));
  }
  return address;
}

/// Reads `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`.
std::optional<std::string> read_host_port(std::string_view text, StoreAddress& address) {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos) return "there is no ] behind the IPv6 address";
    address.host = text.substr(1, end - 1);
    if (!address_version(address.host)) return "between [ and ] stands an IPv6 address";
    port = text.substr(end + 1);
  } else {
    const std::size_t colon = text.find(':');
    address.host = text.substr(0, colon);
    if (colon != text.npos) port = text.substr(colon);
    if (!address_version(address.host) && (address.host.empty() || host_name_problem(address.host)))
      return "there is no host name or IP address in it";
  }
  if (port.empty()) return std::nullopt;
  const auto number = parse_count(port.substr(1), 1, kMostPort);
  if (port.front() != ':' || !number) return "the port is a number from 1 to 65535";
  address.port = static_cast<std::uint16_t>(*number);
  return std::nullopt;
}

void read_url(const Section& section, const DocumentEntry& entry, FleetConfig& fleet) {
  const std::string* const text = section.text(entry, kUrlForm);
  if (text == nullptr) return;
  auto address = parse_store_url(*text);
  if (!address) return section.error(entry.value.at, entry.key, fmt::format("{}; {}", address.error(), kUrlForm));
  fleet.url = *text;
  fleet.store = *std::move(address);
}

void read_name(const Section& section, const DocumentEntry& entry, std::string& name) {
  const std::string* const text = section.text(entry, kNameForm);
  if (text == nullptr) return;
  // No bracket: what stands between { and } of a key tells a cluster which of its servers has it.
  if (text->empty() || text->size() > kLongestName || text->find_first_not_of(kNameOctets) != text->npos)
    return section.error(entry.value.at, entry.key, kNameForm);
  name = *text;
}

void read_user(const Section& section, const DocumentEntry& entry, std::string& user) {
  const std::string* const text = section.text(entry, kUserForm);
  if (text == nullptr) return;
  if (text->empty() || text->find(' ') != text->npos || has_control(*text))
    return section.error(entry.value.at, entry.key, kUserForm);
  user = *text;
}

void read_when_away(const Section& section, const DocumentEntry& entry, WhenAway& when) {
  const std::string* const text = section.text(entry, kAwayForm);
  if (text == nullptr) return;
  const auto* const found =
      std::find_if(kAwayNames.begin(), kAwayNames.end(), [&](const auto& one) { return one.second == *text; });
  if (found == kAwayNames.end())
    return section.error(entry.value.at, entry.key,
                         fmt::format("\"{}\" is not one of them; {}", shown(*text), kAwayForm));
  when = found->first;
}

void read_timeout(const Section& section, const DocumentEntry& entry, Duration& timeout) {
  const auto text = section.number(entry, "write a duration such as \"50ms\"");
  if (!text) return;
  if (const auto problem = set_duration(timeout, *text, kLeastTimeout, kMostTimeout))
    section.error(entry.value.at, entry.key, *problem);
}

void read_fleet_key(const Section& section, const DocumentEntry& entry, FleetConfig& fleet) {
  const std::string& key = entry.key;
  if (key == "url") return read_url(section, entry, fleet);
  if (key == "user") return read_user(section, entry, fleet.user);
  if (key == "password_file") return read_secret_path(section, entry, fleet.password_file);
  if (key == "ca_file") return read_secret_path(section, entry, fleet.ca_file);
  if (key == "prefix") return read_name(section, entry, fleet.prefix);
  if (key == "host_id") return read_name(section, entry, fleet.host_id);
  if (key == "when_away") return read_when_away(section, entry, fleet.when_away);
  if (key == "timeout") return read_timeout(section, entry, fleet.timeout);
  section.unknown_key(entry);
}

/// Keys that mean nothing without another one.
void judge(const Section& section, const DocumentTable& table, const FleetConfig& fleet) {
  const DocumentEntry* const url = find_entry(table, "url");
  if (url == nullptr) return section.error(fmt::format("there is no url; {}", kUrlForm));
  const DocumentEntry* const user = find_entry(table, "user");
  if (user != nullptr && find_entry(table, "password_file") == nullptr)
    section.error(user->at, user->key, "a user needs a password_file");
  const DocumentEntry* const authorities = find_entry(table, "ca_file");
  if (authorities != nullptr && !fleet.url.empty() && fleet.store.way != StoreAddress::Way::Tls)
    section.error(authorities->at, authorities->key, "only a store with rediss:// shows a certificate");
}

}  // namespace

Result<StoreAddress, std::string> parse_store_url(std::string_view text) {
  constexpr std::string_view plain = "redis://";
  constexpr std::string_view secure = "rediss://";
  constexpr std::string_view socket = "unix:";
  if (text.starts_with(socket)) return parse_unix(text.substr(socket.size()));
  const bool tls = text.starts_with(secure);
  if (!tls && !text.starts_with(plain)) return fail(std::string("it does not begin with redis://, rediss:// or unix:"));
  std::string_view rest = text.substr(tls ? secure.size() : plain.size());
  if (rest.find('@') != rest.npos) {
    return fail(
        std::string("a user and a password do not belong into it, since it is shown; write user and "
                    "password_file"));
  }
  StoreAddress address{.way = tls ? StoreAddress::Way::Tls : StoreAddress::Way::Tcp, .host = {}, .path = {}};
  const std::size_t slash = rest.find('/');
  if (slash != rest.npos && slash + 1 < rest.size()) {
    const auto database = parse_count(rest.substr(slash + 1), 0, kMostDatabase);
    if (!database) return fail(std::string("behind the / stands the number of a database"));
    address.database = *database;
  }
  if (auto problem = read_host_port(rest.substr(0, slash), address)) return fail(*std::move(problem));
  return address;
}

void read_fleet(const Section& top, const DocumentEntry& entry, std::optional<FleetConfig>& fleet) {
  const DocumentTable* const table = top.table(entry, "write [fleet]");
  if (table == nullptr) return;
  const Section section = top.nested(SectionKind::Fleet, entry.at);
  if (fleet) return section.error("there is one already in another file");
  fleet.emplace();
  fleet->at = section.position(entry.at);
  for (const DocumentEntry& key : *table)
    read_fleet_key(section, key, *fleet);
  judge(section, *table, *fleet);
}

std::string_view when_away_name(WhenAway when) {
  return std::find_if(kAwayNames.begin(), kAwayNames.end(), [&](const auto& one) { return one.first == when; })->second;
}

std::optional<WhenAway> when_away(const std::optional<FleetConfig>& fleet) {
  return fleet ? std::optional(fleet->when_away) : std::nullopt;
}

}  // namespace relaypipe
