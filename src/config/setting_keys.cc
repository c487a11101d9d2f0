#include "config/setting_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <type_traits>
#include <variant>

#include "base/printable.h"
#include "base/secret_keys.h"
#include "base/text.h"
#include "config/nearest.h"
#include "config/setting_values.h"

namespace relaypipe {
namespace {

constexpr std::int64_t kMillisecond = 1;
constexpr std::int64_t kSecond = 1000 * kMillisecond;
constexpr std::int64_t kHour = 3600 * kSecond;

/// RunSettings for its own fields, RelaySettings for those of itself and of the structs in it.
template <class Owner>
using HalfOf = std::conditional_t<std::is_same_v<Owner, RunSettings>, RunSettings, RelaySettings>;
template <class Owner, class Value>
HalfOf<Owner> half_of(Value Owner::*field);
template <auto Field>
using Half = decltype(half_of(Field));

template <class Owner, class Value>
Value& field_of(HalfOf<Owner>& settings, Value Owner::*field) {
  if constexpr (std::is_same_v<Owner, TimeLimits>) {
    return settings.limits.*field;
  } else if constexpr (std::is_same_v<Owner, TlsSettings>) {
    return settings.tls_more.*field;
  } else if constexpr (std::is_same_v<Owner, SessionLimits>) {
    return settings.session.*field;
  } else if constexpr (std::is_same_v<Owner, CoolDown>) {
    return settings.cool_down.*field;
  } else {
    return settings.*field;
  }
}

/// `low` and `high` in milliseconds, which a template parameter can be.
template <auto Field, std::int64_t low = kMillisecond, std::int64_t high = kHour>
ValueProblem apply_duration(Half<Field>& settings, std::string_view value) {
  return set_duration(field_of(settings, Field), value, std::chrono::milliseconds(low),
                      std::chrono::milliseconds(high));
}

template <auto Field, std::uint64_t low, std::uint64_t high>
ValueProblem apply_count(Half<Field>& settings, std::string_view value) {
  return set_count(field_of(settings, Field), value, low, high);
}

template <auto Field, std::uint64_t high>
ValueProblem apply_octets(Half<Field>& settings, std::string_view value) {
  return set_octets(settings.*Field, value, high);
}

template <auto Field>
ValueProblem apply_choice(Half<Field>& settings, std::string_view value) {
  return set_choice(field_of(settings, Field), value);
}

template <auto Field>
ValueProblem apply_addresses(Half<Field>& settings, std::string_view value) {
  return set_addresses(settings.*Field, value);
}

/// `longest`: PATH_MAX for a directory, sun_path for a socket, each without its final NUL.
template <auto Field, std::size_t longest>
ValueProblem apply_path(Half<Field>& settings, std::string_view value) {
  return set_path(settings.*Field, value, longest, Half<Field>().*Field);
}

template <auto Field>
ValueProblem apply_file(Half<Field>& settings, std::string_view value) {
  return set_path(field_of(settings, Field), value, 4095, "/etc/ssl/certs/ca-certificates.crt");
}

/// A file that need not be: empty means none.
template <auto Field>
ValueProblem apply_optional_file(Half<Field>& settings, std::string_view value) {
  if (!value.empty()) return apply_file<Field>(settings, value);
  field_of(settings, Field).clear();
  return std::nullopt;
}

/// The text that postmap(1) reads, not what it makes of it: `hash:/etc/postfix/sasl_passwd`, `sasl_passwd.db`.
ValueProblem apply_password_map(RelaySettings& settings, std::string_view value) {
  const std::size_t colon = value.find(':');
  const bool typed = colon != value.npos && colon + 1 < value.size() && value[colon + 1] == '/';
  const bool indexed = value.ends_with(".db") || value.ends_with(".cdb") || value.ends_with(".lmdb");
  if (typed || indexed)
    return "an indexed table cannot be read; write the path of the text that postmap reads, /etc/postfix/sasl_passwd";
  return apply_optional_file<&RelaySettings::password_map>(settings, value);
}

ValueProblem apply_line_limit(RunSettings& settings, std::string_view value) {
  return set_line_limit(settings.line_length_limit, value);
}
ValueProblem apply_servers(RunSettings& settings, std::string_view value) {
  return set_servers(settings.dns_servers, value);
}
ValueProblem apply_hostname(RelaySettings& settings, std::string_view value) {
  return set_hostname(settings.hostname, value);
}
ValueProblem apply_ident(RunSettings& settings, std::string_view value) {
  return set_ident(settings.syslog_ident, value);
}

ValueProblem apply_tls_name(RelaySettings& settings, std::string_view value) {
  return set_host_name(settings.tls_more.name, value);
}
ValueProblem apply_fingerprints(RelaySettings& settings, std::string_view value) {
  return set_fingerprints(settings.tls_more.fingerprints, value);
}
ValueProblem apply_mechanisms(RelaySettings& settings, std::string_view value) {
  return set_mechanisms(settings.auth_mechanisms, value);
}
ValueProblem apply_ehlo_keywords(RelaySettings& settings, std::string_view value) {
  return set_ehlo_keywords(settings.discard_ehlo_keywords, value);
}
ValueProblem apply_delimiter(RelaySettings& settings, std::string_view value) {
  return set_delimiter(settings.recipient_delimiter, value);
}
ValueProblem apply_plaintext_auth(RelaySettings& settings, std::string_view value) {
  return set_plaintext_auth(settings.allow_plaintext_auth, value);
}

constexpr SettingScope kGlobal = SettingScope::Global;
constexpr SettingScope kRelay = SettingScope::Relay;
constexpr SettingScope kEverywhere = SettingScope::Everywhere;
constexpr SettingScope kOwnRelay = SettingScope::OwnRelay;
constexpr std::string_view kSpan = "duration such as 30s or 2m";
constexpr std::string_view kNumber = "whole number";
constexpr std::string_view kNoLimit = "whole number; 0: no limit";
constexpr std::string_view kAddresses = "IP addresses, separated by commas";
constexpr std::string_view kPath = "absolute path";

// clang-format off
constexpr SettingKey kTable[] = {
    {"deadline", kGlobal, SettingKind::TimeSpan, kSpan, "end of the whole run, counted from its start", apply_duration<&RunSettings::deadline, kSecond, 5 * kHour>},
    {"patience", kEverywhere, SettingKind::TimeSpan, kSpan, "a relay without progress for so long gets the next one beside it", apply_duration<&RelaySettings::patience>},
    {"address_patience", kGlobal, SettingKind::TimeSpan, kSpan, "until the next address of one host or of equal preference", apply_duration<&RunSettings::address_patience>},
    {"stall_limit", kRelay, SettingKind::TimeSpan, kSpan, "any reply before the dot, while another relay is left", apply_duration<&RelaySettings::stall_limit>},
    {"max_sessions", kGlobal, SettingKind::Count, kNumber, "sessions being opened at the same time", apply_count<&RunSettings::max_sessions, 1, 100>},
    {"hostname", kRelay, SettingKind::Text, "host name or [address]", "EHLO name and own name in MX lists", apply_hostname},
    {"connect_timeout", kRelay, SettingKind::TimeSpan, kSpan, "connection to one address", apply_duration<&TimeLimits::connect>},
    {"greeting_timeout", kRelay, SettingKind::TimeSpan, kSpan, "greeting of the relay", apply_duration<&TimeLimits::greeting>},
    {"helo_timeout", kRelay, SettingKind::TimeSpan, kSpan, "reply to EHLO or HELO", apply_duration<&TimeLimits::helo>},
    {"starttls_timeout", kRelay, SettingKind::TimeSpan, kSpan, "STARTTLS and the handshake", apply_duration<&TimeLimits::starttls>},
    {"auth_timeout", kRelay, SettingKind::TimeSpan, kSpan, "authentication", apply_duration<&TimeLimits::auth>},
    {"mail_timeout", kRelay, SettingKind::TimeSpan, kSpan, "reply to MAIL", apply_duration<&TimeLimits::mail>},
    {"rcpt_timeout", kRelay, SettingKind::TimeSpan, kSpan, "reply to RCPT", apply_duration<&TimeLimits::rcpt>},
    {"data_init_timeout", kRelay, SettingKind::TimeSpan, kSpan, "reply to DATA", apply_duration<&TimeLimits::data_init>},
    {"data_xfer_timeout", kRelay, SettingKind::TimeSpan, kSpan, "no progress while the content is sent", apply_duration<&TimeLimits::data_xfer>},
    {"session_messages", kRelay, SettingKind::Count, kNumber, "messages over one session of relaypipe lmtp; 1: no session is kept", apply_count<&SessionLimits::messages, 1, 100000>},
    {"session_idle", kRelay, SettingKind::TimeSpan, kSpan, "a session is kept so long after its last message", apply_duration<&SessionLimits::idle>},
    {"session_age", kRelay, SettingKind::TimeSpan, kSpan, "a session is kept so long after it was opened", apply_duration<&SessionLimits::age>},
    {"data_done_timeout", kRelay, SettingKind::TimeSpan, kSpan, "reply to the dot; too short makes duplicates", apply_duration<&TimeLimits::data_done>},
    {"tls", kRelay, SettingKind::Choice, "none, may, encrypt or verify", "protection of the connection", apply_choice<&RelaySettings::tls>},
    {"tls_ca_file", kRelay, SettingKind::Text, kPath, "file with the only authorities trusted", apply_optional_file<&TlsSettings::ca_file>},
    {"tls_ca_path", kRelay, SettingKind::Text, kPath, "directory with authorities by hashed name", apply_file<&TlsSettings::ca_path>},
    {"tls_name", kRelay, SettingKind::Text, "host name", "name to verify and to send as SNI", apply_tls_name},
    {"tls_min_version", kRelay, SettingKind::Choice, "1.0, 1.1, 1.2 or 1.3", "oldest TLS version allowed", apply_choice<&TlsSettings::min_version>},
    {"tls_fingerprint", kRelay, SettingKind::List, "sha256//BASE64, separated by commas", "public keys, one of which the relay must have", apply_fingerprints},
    {"tls_cert_file", kRelay, SettingKind::Text, kPath, "own certificate, for relays that ask for one", apply_optional_file<&TlsSettings::cert_file>},
    {"tls_key_file", kRelay, SettingKind::Text, kPath, "its key, where it is not in tls_cert_file", apply_optional_file<&TlsSettings::key_file>},
    {"auth_mechanisms", kRelay, SettingKind::List, "mechanism names, separated by commas", "the only mechanisms used", apply_mechanisms},
    {"allow_plaintext_auth", kOwnRelay, SettingKind::YesNo, "yes, no or a host name", "credentials without verified TLS, to loopback or that host", apply_plaintext_auth},
    {"password_map", kRelay, SettingKind::Text, kPath, "accounts by relay, in the form of Postfix's sasl_passwd", apply_password_map},
    {"secret_timeout", kRelay, SettingKind::TimeSpan, kSpan, "password_command, token_command and token endpoint", apply_duration<&RelaySettings::secret_limit>},
    {"cool_down", kRelay, SettingKind::TimeSpan, kSpan, "not tried for so long after a first failure, doubled with each in a row", apply_duration<&CoolDown::least, kSecond>},
    {"cool_down_max", kRelay, SettingKind::TimeSpan, kSpan, "the longest such time", apply_duration<&CoolDown::most, kSecond, 24 * kHour>},
    {"slow_factor", kRelay, SettingKind::Count, "whole number; 0: never", "so many times slower than the best of its tier gives up the place", apply_count<&RelaySettings::slow_factor, 0, 1000>},
    {"discard_ehlo_keywords", kRelay, SettingKind::List, "keywords of EHLO, separated by commas", "read as if the relay had not announced them", apply_ehlo_keywords},
    {"recipient_delimiter", kRelay, SettingKind::Text, "characters such as +", "each begins an address extension; empty: none", apply_delimiter},
    {"client_report", kRelay, SettingKind::Choice, "none, xforward or xclient", "what is told of the client that sent the message", apply_choice<&RelaySettings::client_report>},
    {"on_content_reject", kRelay, SettingKind::Choice, "stop or next", "what follows when a relay refuses the content", apply_choice<&RelaySettings::on_content_reject>},
    {"ip", kRelay, SettingKind::Choice, "any, 4 or 6", "IP version used", apply_choice<&RelaySettings::ip>},
    {"bind_address", kRelay, SettingKind::List, kAddresses, "source addresses, at most one per IP version", apply_addresses<&RelaySettings::bind_address>},
    {"dns_servers", kGlobal, SettingKind::List, "address or address:port, separated by commas", "DNS servers instead of the system's", apply_servers},
    {"dns_timeout", kGlobal, SettingKind::TimeSpan, kSpan, "one query to one DNS server", apply_duration<&RunSettings::dns_timeout>},
    {"resolve_limit", kRelay, SettingKind::TimeSpan, kSpan, "all lookups of one relay together", apply_duration<&RelaySettings::resolve_limit>},
    {"mx_address_limit", kRelay, SettingKind::Count, kNoLimit, "addresses tried per relay", apply_count<&RelaySettings::mx_address_limit, 0, 1000>},
    {"mx_session_limit", kRelay, SettingKind::Count, kNoLimit, "sessions per relay that got past the handshake", apply_count<&RelaySettings::mx_session_limit, 0, 1000>},
    {"srv", kRelay, SettingKind::YesNo, "yes or no", "SRV lookup for domains without brackets", apply_choice<&RelaySettings::srv>},
    {"own_addresses", kGlobal, SettingKind::List, kAddresses, "own, besides those of this machine's interfaces", apply_addresses<&RunSettings::own_addresses>},
    {"proxy_addresses", kGlobal, SettingKind::List, kAddresses, "of a NAT or proxy before this machine", apply_addresses<&RunSettings::proxy_addresses>},
    {"line_length_limit", kGlobal, SettingKind::Count, kNoLimit, "octets; longer lines are broken", apply_line_limit},
    {"size_tolerance", kGlobal, SettingKind::Octets, "octets such as 8k", "what milters may have removed from the announced size", apply_octets<&RunSettings::size_tolerance, 1U << 30>},
    {"spool_memory", kGlobal, SettingKind::Octets, "octets such as 512k or 10M", "content kept in memory, the rest in a file", apply_octets<&RunSettings::spool_memory, 1U << 30>},
    {"spool_directory", kGlobal, SettingKind::Text, kPath, "directory of that file", apply_path<&RunSettings::spool_directory, 4095>},
    {"state_directory", kGlobal, SettingKind::Text, kPath, "directory of tokens and of what is remembered", apply_path<&RunSettings::state_directory, 4095>},
    {"state", kGlobal, SettingKind::YesNo, "yes or no", "whether deliveries remember anything there", apply_choice<&RunSettings::use_state>},
    {"max_wait", kGlobal, SettingKind::TimeSpan, kSpan, "for a place within a relay's rate, quota or connections", apply_duration<&RunSettings::max_wait, 0>},
    {"on_unconfirmed", kGlobal, SettingKind::Choice, "same-relay, any or bounce", "where a message goes on when the reply to its dot never came", apply_choice<&RunSettings::on_unconfirmed>},
    {"unconfirmed_hold", kGlobal, SettingKind::TimeSpan, kSpan, "how long it goes to the same relay alone", apply_duration<&RunSettings::unconfirmed_hold, 0, 240 * kHour>},
    {"duplicate_wait", kGlobal, SettingKind::TimeSpan, kSpan, "for another delivery of the same message to end", apply_duration<&RunSettings::duplicate_wait, 0>},
    {"syslog_ident", kGlobal, SettingKind::Text, "word without blanks", "name in the log", apply_ident},
    {"syslog_socket", kGlobal, SettingKind::Text, kPath, "datagram socket of the system's log", apply_path<&RunSettings::syslog_socket, 107>},
    {"log_file", kGlobal, SettingKind::Text, kPath, "file for log lines, instead of the system's log", apply_optional_file<&RunSettings::log_file>},
};
// clang-format on

static_assert(std::all_of(std::begin(kTable), std::end(kTable),
                          [](const SettingKey& key) {
                            const bool of_run = std::holds_alternative<SettingKey::OfRun>(key.setter);
                            return of_run == (key.scope == SettingScope::Global);
                          }),
              "what no relay has for itself is in RunSettings, everything else in RelaySettings");

std::string unknown(std::string_view name) {
  std::vector<std::string_view> names;
  for (const SettingKey& key : kTable) {
    if (key.scope != SettingScope::OwnRelay) names.push_back(key.name);
  }
  const std::optional<std::string_view> meant = nearest(name, names);
  return meant ? fmt::format("unknown setting; did you mean {}?", *meant) : "unknown setting; --help lists all";
}

/// Applies one `name=value` to those halves of the settings.
template <class... Halves>
std::optional<std::string> apply_assignment(std::string_view assignment, Halves&... halves) {
  const std::size_t equals = std::min(assignment.find('='), assignment.size());
  const std::string_view name = trimmed(assignment.substr(0, equals));
  const bool valued = equals < assignment.size();
  const std::string_view value = valued ? trimmed(assignment.substr(equals + 1)) : std::string_view();
  const SettingKey* const key = find_setting(name);
  // A name that is unknown may have been meant for anything.
  const bool hidden = key == nullptr || may_hold_secret(name);
  const auto wrong = [&](std::string_view what) {
    const std::string written = fmt::format("{}{}{}", name, valued ? "=" : "", hidden && valued ? "..." : value);
    return fmt::format("{}: {}", clip(printable(written), 100), what);
  };
  if (key == nullptr) return wrong(unknown(name));
  if (key->scope == SettingScope::OwnRelay) {
    return wrong("holds for one relay alone; write it in the [relay.NAME] of that relay, in the configuration file");
  }
  if (!valued) return wrong(fmt::format("the value is missing; write {}=VALUE ({})", name, key->form));
  if (const ValueProblem problem = key->apply(halves..., value)) {
    return wrong(hidden ? without_value(*problem, value) : *problem);
  }
  return std::nullopt;
}

}  // namespace

ValueProblem SettingKey::apply(RunSettings& run, RelaySettings& relay, std::string_view value) const {
  const auto* const of_run = std::get_if<OfRun>(&setter);
  return of_run != nullptr ? (*of_run)(run, value) : apply(relay, value);
}

ValueProblem SettingKey::apply(RelaySettings& relay, std::string_view value) const {
  const auto* const of_relay = std::get_if<OfRelay>(&setter);
  return of_relay != nullptr ? (*of_relay)(relay, value) : std::nullopt;
}

std::span<const SettingKey> settings_table() { return kTable; }

const SettingKey* find_setting(std::string_view name) {
  const auto* const key =
      std::find_if(std::begin(kTable), std::end(kTable), [&](const SettingKey& k) { return k.name == name; });
  return key == std::end(kTable) ? nullptr : key;
}

std::optional<std::string> apply_setting(RunSettings& run, RelaySettings& relay, std::string_view assignment) {
  return apply_assignment(assignment, run, relay);
}

std::optional<std::string> apply_setting(RelaySettings& relay, std::string_view assignment) {
  return apply_assignment(assignment, relay);
}

}  // namespace relaypipe
