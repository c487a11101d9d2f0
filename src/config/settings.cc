#include "config/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include "base/ip_address.h"
#include "base/printable.h"
#include "config/host.h"
#include "config/nearest.h"
#include "config/units.h"

namespace relaypipe {
namespace {

using Problem = std::optional<std::string>;

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kAddressForm = "write 192.0.2.1 or 2001:db8::1";
constexpr std::string_view kServerForm = "write 192.0.2.1, 192.0.2.1:53, 2001:db8::1 or [2001:db8::1]:53";
constexpr std::int64_t kMillisecond = 1;
constexpr std::int64_t kSecond = 1000 * kMillisecond;
constexpr std::int64_t kHour = 3600 * kSecond;

std::string quoted(std::string_view text) { return fmt::format("\"{}\"", shown(text)); }

template <class Owner, class Value>
Value& field_of(Settings& settings, Value Owner::*field) {
  if constexpr (std::is_same_v<Owner, TimeLimits>) {
    return settings.limits.*field;
  } else {
    return settings.*field;
  }
}

/// Puts a value that was read into its field, or hands on why there is none.
template <class Value>
Problem store(Value& field, Result<Value, std::string> read) {
  if (!read) return read.error();
  field = *std::move(read);
  return std::nullopt;
}

/// `low` and `high` in milliseconds, which a template parameter can be.
template <auto Field, std::int64_t low = kMillisecond, std::int64_t high = kHour>
Problem apply_duration(Settings& settings, std::string_view value) {
  Result<Duration, std::string> span = parse_duration(value);
  const Duration least = std::chrono::milliseconds(low);
  const Duration most = std::chrono::milliseconds(high);
  if (span && (*span < least || *span > most)) {
    return fmt::format("{} is out of range; write a duration from {} to {}", quoted(value), format_duration(least),
                       format_duration(most));
  }
  return store(field_of(settings, Field), std::move(span));
}

template <auto Field, std::uint64_t low, std::uint64_t high>
Problem apply_count(Settings& settings, std::string_view value) {
  return store(field_of(settings, Field), parse_count(value, low, high));
}

/// A shorter limit would leave no room for the blank that begins a continued line.
Problem apply_line_limit(Settings& settings, std::string_view value) {
  const bool off = value == "0";
  if (Problem problem = store(settings.line_length_limit, parse_count(value, off ? 0 : 16, 1'000'000))) {
    return *problem + ", or 0 for no limit";
  }
  return std::nullopt;
}

template <auto Field, std::uint64_t high>
Problem apply_octets(Settings& settings, std::string_view value) {
  const Result<std::uint64_t, std::string> octets = parse_octets(value);
  if (octets && *octets > high) return fmt::format("{} is too large; write at most {} octets", quoted(value), high);
  return store(field_of(settings, Field), octets);
}

template <class Value>
using Choices = std::vector<std::pair<std::string_view, Value>>;

Choices<TlsLevel> choices(TlsLevel) {
  return {
      {"none", TlsLevel::None}, {"may", TlsLevel::May}, {"encrypt", TlsLevel::Encrypt}, {"verify", TlsLevel::Verify}};
}
Choices<IpVersion> choices(IpVersion) { return {{"any", IpVersion::Any}, {"4", IpVersion::V4}, {"6", IpVersion::V6}}; }
Choices<bool> choices(bool) { return {{"yes", true}, {"no", false}, {"true", true}, {"false", false}}; }

template <auto Field>
Problem apply_choice(Settings& settings, std::string_view value) {
  auto& field = field_of(settings, Field);
  std::vector<std::string_view> names;
  for (const auto& [name, meaning] : choices(field)) {
    if (lower(value) == name) {
      field = meaning;
      return std::nullopt;
    }
    names.push_back(name);
  }
  const std::string_view last = names.back();
  names.pop_back();
  return fmt::format("{} is not allowed; write {} or {}", quoted(value), fmt::join(names, ", "), last);
}

Result<std::string, std::string> read_address(std::string_view text) {
  const bool bracketed = text.size() > 1 && text.front() == '[' && text.back() == ']';
  const std::string_view address = bracketed ? text.substr(1, text.size() - 2) : text;
  const std::optional<IpAddress> parsed = parse_ip_address(address);
  if (!parsed) return fail(fmt::format("{} is no IP address; {}", quoted(text), kAddressForm));
  // Its one text, so that equal addresses are equal strings (for IPv6 as RFC 5952 has it).
  return parsed->text();
}

/// With a port the form is `192.0.2.1:53` or `[2001:db8::1]:53`; without one the bare address.
Result<std::string, std::string> read_server(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  // The last colon of an IPv6 address belongs to the address.
  const bool plain = colon == text.npos || text.back() == ']' || address_version(text);
  const std::string_view host = plain ? text : text.substr(0, colon);
  Result<std::string, std::string> address = read_address(host);
  const Result<std::uint64_t, std::string> port = parse_count(plain ? "53" : text.substr(colon + 1), 1, 65535);
  const bool v6_port = !plain && address && address->find(':') != address->npos;
  if (!address || !port || (v6_port && host.front() != '[')) {
    return fail(fmt::format("{} is no server address; {}", quoted(text), kServerForm));
  }
  if (plain) return address;
  return v6_port ? fmt::format("[{}]:{}", *address, *port) : fmt::format("{}:{}", *address, *port);
}

/// Every word of the list read by `read`; the first that cannot be read is the problem. An empty list is one.
template <auto Field, Result<std::string, std::string> (*read)(std::string_view)>
Problem apply_list(Settings& settings, std::string_view value) {
  std::vector<std::string> list;
  for (const std::string_view word : split_list(value)) {
    Result<std::string, std::string> item = read(word);
    if (!item) return item.error();
    list.push_back(*std::move(item));
  }
  field_of(settings, Field) = std::move(list);
  return std::nullopt;
}

/// The argument of EHLO: a name, or an address in brackets (RFC 5321 4.1.3). Empty stands for the machine's own name.
Result<std::string, std::string> read_hostname(std::string_view value) {
  if (value.empty()) return std::string();
  if (address_version(value)) return fail(fmt::format("{} needs brackets; write [{}]", quoted(value), value));
  if (value.front() != '[') {
    if (value.back() == '.') value.remove_suffix(1);
    if (Problem problem = host_name_problem(value)) return fail(*std::move(problem));
    return std::string(value);
  }
  const bool closed = value.back() == ']';
  const bool tagged = lower(value).starts_with("[ipv6:");
  const std::string_view address = value.substr(tagged ? 6 : 1, value.size() - (tagged ? 6 : 1) - (closed ? 1 : 0));
  const std::optional<IpAddress> parsed = parse_ip_address(address);
  if (!closed || !parsed || (tagged && !parsed->v6)) {
    return fail(fmt::format("{} is no address; write [192.0.2.1] or [IPv6:2001:db8::1]", quoted(value)));
  }
  return fmt::format("[{}{}]", parsed->v6 ? "IPv6:" : "", parsed->text());
}

Problem apply_hostname(Settings& settings, std::string_view value) {
  return store(settings.hostname, read_hostname(value));
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; });
}

/// `longest` is what the kernel takes: PATH_MAX for a directory, sun_path for a socket, each without its final NUL.
template <auto Field, std::size_t longest>
Problem apply_path(Settings& settings, std::string_view value) {
  if (value.empty() || value.front() != '/' || has_control(value)) {
    return fmt::format("{} is no absolute path; write one such as {}", quoted(value), Settings().*Field);
  }
  if (value.size() > longest) return fmt::format("{} is longer than {} octets", quoted(value), longest);
  settings.*Field = value;
  return std::nullopt;
}

Problem apply_ident(Settings& settings, std::string_view value) {
  const bool graphic = std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < '\x7F'; });
  if (value.empty() || value.size() > 64 || !graphic) {
    return fmt::format("{} is not allowed; write up to 64 ASCII characters without blanks", quoted(value));
  }
  settings.syslog_ident = value;
  return std::nullopt;
}

constexpr std::string_view kSpan = "duration such as 30s or 2m";
constexpr std::string_view kNumber = "whole number";
constexpr std::string_view kNoLimit = "whole number; 0: no limit";
constexpr std::string_view kAddresses = "IP addresses, separated by commas";
constexpr std::string_view kPath = "absolute path";

// clang-format off
constexpr SettingKey kTable[] = {
    {"deadline", kSpan, "end of the whole run, counted from its start", apply_duration<&Settings::deadline, kSecond, 5 * kHour>},
    {"patience", kSpan, "a relay not ready by then gets the next one beside it", apply_duration<&Settings::patience>},
    {"address_patience", kSpan, "the same between addresses of one relay", apply_duration<&Settings::address_patience>},
    {"stall_limit", kSpan, "any reply before the dot, while another relay is left", apply_duration<&Settings::stall_limit>},
    {"max_sessions", kNumber, "sessions being opened at the same time", apply_count<&Settings::max_sessions, 1, 100>},
    {"hostname", "host name or [address]", "EHLO name and own name in MX lists", apply_hostname},
    {"connect_timeout", kSpan, "connection to one address", apply_duration<&TimeLimits::connect>},
    {"greeting_timeout", kSpan, "greeting of the relay", apply_duration<&TimeLimits::greeting>},
    {"helo_timeout", kSpan, "reply to EHLO or HELO", apply_duration<&TimeLimits::helo>},
    {"starttls_timeout", kSpan, "STARTTLS and the handshake", apply_duration<&TimeLimits::starttls>},
    {"auth_timeout", kSpan, "authentication", apply_duration<&TimeLimits::auth>},
    {"mail_timeout", kSpan, "reply to MAIL", apply_duration<&TimeLimits::mail>},
    {"rcpt_timeout", kSpan, "reply to RCPT", apply_duration<&TimeLimits::rcpt>},
    {"data_init_timeout", kSpan, "reply to DATA", apply_duration<&TimeLimits::data_init>},
    {"data_xfer_timeout", kSpan, "no progress while the content is sent", apply_duration<&TimeLimits::data_xfer>},
    {"data_done_timeout", kSpan, "reply to the dot; too short makes duplicates", apply_duration<&TimeLimits::data_done>},
    {"tls", "none, may, encrypt or verify", "protection of the connection", apply_choice<&Settings::tls>},
    {"ip", "any, 4 or 6", "IP version used", apply_choice<&Settings::ip>},
    {"bind_address", kAddresses, "source addresses, at most one per IP version", apply_list<&Settings::bind_address, read_address>},
    {"dns_servers", "address or address:port, separated by commas", "DNS servers instead of the system's", apply_list<&Settings::dns_servers, read_server>},
    {"dns_timeout", kSpan, "one query to one DNS server", apply_duration<&Settings::dns_timeout>},
    {"resolve_limit", kSpan, "all look-ups of one relay together", apply_duration<&Settings::resolve_limit>},
    {"mx_address_limit", kNoLimit, "addresses tried per relay", apply_count<&Settings::mx_address_limit, 0, 1000>},
    {"mx_session_limit", kNoLimit, "sessions per relay that got past the handshake", apply_count<&Settings::mx_session_limit, 0, 1000>},
    {"srv", "yes or no", "SRV look-up for domains without brackets", apply_choice<&Settings::srv>},
    {"own_addresses", kAddresses, "own, besides those of this machine's interfaces", apply_list<&Settings::own_addresses, read_address>},
    {"proxy_addresses", kAddresses, "of a NAT or proxy before this machine", apply_list<&Settings::proxy_addresses, read_address>},
    {"line_length_limit", kNoLimit, "octets; longer lines are broken", apply_line_limit},
    {"size_tolerance", "octets such as 8k", "what milters may have removed from the announced size", apply_octets<&Settings::size_tolerance, 1U << 30>},
    {"spool_memory", "octets such as 512k or 10M", "content kept in memory, the rest in a file", apply_octets<&Settings::spool_memory, 1U << 30>},
    {"spool_directory", kPath, "directory of that file", apply_path<&Settings::spool_directory, 4095>},
    {"syslog_ident", "word without blanks", "name in the log", apply_ident},
    {"syslog_socket", kPath, "datagram socket of the system's log", apply_path<&Settings::syslog_socket, 107>},
};
// clang-format on

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

std::string unknown(std::string_view name) {
  std::vector<std::string_view> names;
  for (const SettingKey& key : kTable) {
    names.push_back(key.name);
  }
  const std::optional<std::string_view> meant = nearest(name, names);
  return meant ? fmt::format("unknown setting; did you mean {}?", *meant) : "unknown setting; --help lists all";
}

}  // namespace

std::span<const SettingKey> settings_table() { return kTable; }

std::optional<std::string> apply_setting(Settings& settings, std::string_view assignment) {
  const std::size_t equals = std::min(assignment.find('='), assignment.size());
  const std::string_view name = trimmed(assignment.substr(0, equals));
  const bool valued = equals < assignment.size();
  const std::string_view value = valued ? trimmed(assignment.substr(equals + 1)) : std::string_view();
  const auto wrong = [&](std::string_view what) {
    const std::string written = fmt::format("{}{}{}", name, valued ? "=" : "", value);
    return fmt::format("{}: {}", clip(printable(written), 100), what);
  };
  const auto* const key =
      std::find_if(std::begin(kTable), std::end(kTable), [&](const auto& k) { return k.name == name; });
  if (key == std::end(kTable)) return wrong(unknown(name));
  if (!valued) return wrong(fmt::format("the value is missing; write {}=VALUE ({})", name, key->form));
  if (const Problem problem = key->apply(settings, value)) return wrong(*problem);
  return std::nullopt;
}

std::vector<std::string> settings_problems(const Settings& settings) {
  std::vector<std::string> problems;
  for (const IpVersion version : {IpVersion::V4, IpVersion::V6}) {
    const std::string_view label = version == IpVersion::V4 ? "IPv4" : "IPv6";
    std::vector<std::string> bound = settings.bind_address;
    std::erase_if(bound, [&](const std::string& address) { return address_version(address) != version; });
    if (bound.size() > 1) {
      problems.push_back(fmt::format("bind_address: {} are {} addresses; write at most one per IP version",
                                     fmt::join(bound, " and "), label));
    }
    if (!bound.empty() && settings.ip != IpVersion::Any && settings.ip != version) {
      problems.push_back(fmt::format("bind_address: {} is an {} address, but ip excludes those", bound[0], label));
    }
  }
  return problems;
}

}  // namespace relaypipe
