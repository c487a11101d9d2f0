#include "config/setting_values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/ip_address.h"
#include "base/printable.h"
#include "base/result.h"
#include "base/text.h"
#include "relay/host.h"
#include "relay/units.h"

namespace relaypipe {
namespace {

constexpr std::string_view kAddressForm = "write 192.0.2.1 or 2001:db8::1";
constexpr std::string_view kServerForm = "write 192.0.2.1, 192.0.2.1:53, 2001:db8::1 or [2001:db8::1]:53";

std::string quoted(std::string_view text) { return fmt::format("\"{}\"", shown(text)); }

/// Puts a value that was read into its field, or hands on why there is none.
template <class Value>
ValueProblem store(Value& field, Result<Value, std::string> read) {
  if (!read) return read.error();
  field = *std::move(read);
  return std::nullopt;
}

template <class Value>
using Choice = std::pair<std::string_view, Value>;

template <class Value>
ValueProblem choose(Value& field, std::string_view value, std::span<const Choice<Value>> choices) {
  const std::string meant = lower(value);
  std::vector<std::string_view> names;
  for (const auto& [name, meaning] : choices) {
    if (meant == name) {
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
  if (!parsed) return fail(fmt::format("{} is not a valid IP address; {}", quoted(text), kAddressForm));
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
    return fail(fmt::format("{} is not a valid server address; {}", quoted(text), kServerForm));
  }
  if (plain) return address;
  return v6_port ? fmt::format("[{}]:{}", *address, *port) : fmt::format("{}:{}", *address, *port);
}

/// Every word of the list read by `read`; the first that cannot be read is the problem.
template <Result<std::string, std::string> (*read)(std::string_view)>
ValueProblem set_list(std::vector<std::string>& field, std::string_view value) {
  std::vector<std::string> list;
  for (const std::string_view word : split_list(value)) {
    Result<std::string, std::string> item = read(word);
    if (!item) return item.error();
    list.push_back(*std::move(item));
  }
  field = std::move(list);
  return std::nullopt;
}

Result<std::string, std::string> read_hostname(std::string_view value) {
  if (value.empty()) return std::string();
  if (address_version(value)) return fail(fmt::format("{} needs brackets; write [{}]", quoted(value), value));
  if (value.front() != '[') {
    if (value.back() == '.') value.remove_suffix(1);
    if (ValueProblem problem = host_name_problem(value)) return fail(*std::move(problem));
    return std::string(value);
  }
  const bool closed = value.back() == ']';
  const bool tagged = lower(value).starts_with("[ipv6:");
  const std::string_view address = value.substr(tagged ? 6 : 1, value.size() - (tagged ? 6 : 1) - (closed ? 1 : 0));
  const std::optional<IpAddress> parsed = parse_ip_address(address);
  if (!closed || !parsed || (tagged && !parsed->v6)) {
    return fail(fmt::format("{} is not a valid address; write [192.0.2.1] or [IPv6:2001:db8::1]", quoted(value)));
  }
  return fmt::format("[{}{}]", parsed->v6 ? "IPv6:" : "", parsed->text());
}

}  // namespace

ValueProblem set_duration(Duration& field, std::string_view value, Duration least, Duration most) {
  Result<Duration, std::string> span = parse_duration(value);
  if (span && (*span < least || *span > most)) {
    return fmt::format("{} is out of range; write a duration from {} to {}", quoted(value), format_duration(least),
                       format_duration(most));
  }
  return store(field, std::move(span));
}

ValueProblem set_count(std::uint64_t& field, std::string_view value, std::uint64_t least, std::uint64_t most) {
  return store(field, parse_count(value, least, most));
}

ValueProblem set_octets(std::uint64_t& field, std::string_view value, std::uint64_t most) {
  const Result<std::uint64_t, std::string> octets = parse_octets(value);
  if (octets && *octets > most) return fmt::format("{} is too large; write at most {} octets", quoted(value), most);
  return store(field, octets);
}

ValueProblem set_line_limit(std::uint64_t& field, std::string_view value) {
  const bool off = value == "0";
  if (ValueProblem problem = set_count(field, value, off ? 0 : 16, 1'000'000)) return *problem + ", or 0 for no limit";
  return std::nullopt;
}

ValueProblem set_choice(TlsLevel& field, std::string_view value) {
  static constexpr std::array<Choice<TlsLevel>, 4> kChoices = {
      {{"none", TlsLevel::None}, {"may", TlsLevel::May}, {"encrypt", TlsLevel::Encrypt}, {"verify", TlsLevel::Verify}}};
  return choose<TlsLevel>(field, value, kChoices);
}

ValueProblem set_choice(IpVersion& field, std::string_view value) {
  static constexpr std::array<Choice<IpVersion>, 3> kChoices = {
      {{"any", IpVersion::Any}, {"4", IpVersion::V4}, {"6", IpVersion::V6}}};
  return choose<IpVersion>(field, value, kChoices);
}

ValueProblem set_choice(bool& field, std::string_view value) {
  static constexpr std::array<Choice<bool>, 4> kChoices = {
      {{"yes", true}, {"no", false}, {"true", true}, {"false", false}}};
  return choose<bool>(field, value, kChoices);
}

ValueProblem set_choice(TlsVersion& field, std::string_view value) {
  static constexpr std::array<Choice<TlsVersion>, 4> kChoices = {
      {{"1.0", TlsVersion::V1_0}, {"1.1", TlsVersion::V1_1}, {"1.2", TlsVersion::V1_2}, {"1.3", TlsVersion::V1_3}}};
  return choose<TlsVersion>(field, value, kChoices);
}

ValueProblem set_choice(ClientReport& field, std::string_view value) {
  static constexpr std::array<Choice<ClientReport>, 3> kChoices = {
      {{"none", ClientReport::None}, {"xforward", ClientReport::Xforward}, {"xclient", ClientReport::Xclient}}};
  return choose<ClientReport>(field, value, kChoices);
}

ValueProblem set_choice(ContentReject& field, std::string_view value) {
  static constexpr std::array<Choice<ContentReject>, 2> kChoices = {
      {{"stop", ContentReject::Stop}, {"next", ContentReject::Next}}};
  return choose<ContentReject>(field, value, kChoices);
}

ValueProblem set_choice(OnUnconfirmed& field, std::string_view value) {
  static constexpr std::array<Choice<OnUnconfirmed>, 3> kChoices = {
      {{"same-relay", OnUnconfirmed::SameRelay}, {"any", OnUnconfirmed::Any}, {"bounce", OnUnconfirmed::Bounce}}};
  return choose<OnUnconfirmed>(field, value, kChoices);
}

ValueProblem set_addresses(std::vector<std::string>& field, std::string_view value) {
  return set_list<read_address>(field, value);
}

ValueProblem set_servers(std::vector<std::string>& field, std::string_view value) {
  return set_list<read_server>(field, value);
}

ValueProblem set_hostname(std::string& field, std::string_view value) { return store(field, read_hostname(value)); }

ValueProblem set_path(std::string& field, std::string_view value, std::size_t longest, std::string_view example) {
  if (value.empty() || value.front() != '/' || has_control(value)) {
    return fmt::format("{} is not an absolute path; write one such as {}", quoted(value), example);
  }
  if (value.size() > longest) return fmt::format("{} is longer than {} octets", quoted(value), longest);
  field = value;
  return std::nullopt;
}

ValueProblem set_ident(std::string& field, std::string_view value) {
  const bool graphic = std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < '\x7F'; });
  if (value.empty() || value.size() > 64 || !graphic) {
    return fmt::format("{} is not allowed; write up to 64 ASCII characters without blanks", quoted(value));
  }
  field = value;
  return std::nullopt;
}

}  // namespace relaypipe
