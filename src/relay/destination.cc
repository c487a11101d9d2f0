#include "relay/destination.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

#include "base/printable.h"
#include "relay/host.h"
#include "relay/relay_settings.h"

namespace relaypipe {
namespace {

constexpr std::string_view kForm = "write [host]:port";
constexpr std::string_view kIpv6Form = "write [ipv6:2001:db8::1]:25";
constexpr std::string_view kIpv6Tag = "ipv6:";
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::uint16_t kSmtpsPort = 465;
constexpr std::uint16_t kSubmissionPort = 587;

std::string_view without_root_dot(std::string_view name) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  return name;
}

enum class Prefix { None, Smtp, Smtps, Srv, Https };

struct PrefixName {
  std::string_view name;
  Prefix prefix;
};
constexpr std::array<PrefixName, 4> kPrefixes = {
    {{"smtp", Prefix::Smtp}, {"smtps", Prefix::Smtps}, {"srv", Prefix::Srv}, {"https", Prefix::Https}}};
/// What stands before the colon in other places of Postfix; as the name of a host hardly anyone means it.
constexpr std::array<std::string_view, 3> kForeignPrefixes = {"lmtp", "unix", "inet"};

struct Element {
  Prefix prefix = Prefix::None;
  std::string_view written;  ///< the prefix with its colon, so that a suggested form can keep it
  std::string_view rest;     ///< behind the prefix
};

struct Parts {
  bool bracketed = false;
  std::string_view host;
  std::optional<std::string_view> port;
};

template <class Value>
using Parsed = Result<Value, std::string>;

Failure<std::string> wrong(std::string_view what, std::string_view form) {
  return fail(fmt::format("{}; {}", what, form));
}

/// `[host]:port` for what somebody wrote with one bracket too few or with the port inside, the general form where that
/// is no guess.
std::string bracket_form(std::string_view prefix, std::string_view inside) {
  if (lower(inside).starts_with(kIpv6Tag)) return std::string(kIpv6Form);
  if (address_version(inside) == IpVersion::V6) return fmt::format("write {}[ipv6:{}]:25", prefix, inside);
  const std::size_t colon = std::min(inside.find(':'), inside.size());
  const std::string_view host = inside.substr(0, colon);
  const std::string_view port = inside.substr(std::min(colon + 1, inside.size()));
  const bool clear = (!host_name_problem(host) || address_version(host)) && made_of(kHostOctets, port);
  if (!clear) return std::string(kForm);
  return fmt::format("write {}[{}]{}{}", prefix, host, port.empty() ? "" : ":", port);
}

/// Where a word and a colon begin `text`, is that a prefix, a foreign one, or a host with its port?
Parsed<Element> take_prefix(std::string_view text) {
  const std::size_t colon = text.find_first_of(":[");
  if (colon == text.npos || text[colon] == '[' || address_version(text)) return Element{Prefix::None, "", text};
  const std::string name = lower(text.substr(0, colon));
  const std::string_view rest = text.substr(colon + 1);
  if (name == "ipv6" && address_version(rest)) return wrong("an IPv6 address needs brackets", bracket_form("", rest));
  for (const PrefixName& known : kPrefixes) {
    if (known.name == name) return Element{known.prefix, text.substr(0, colon + 1), rest};
  }
  const bool listed = std::find(kForeignPrefixes.begin(), kForeignPrefixes.end(), name) != kForeignPrefixes.end();
  const bool host_follows = rest.starts_with('[') || rest.starts_with('/');
  if (host_follows || (listed && !rest.empty() && !made_of(kDigits, rest))) {
    return wrong(fmt::format("\"{}:\" is not a known prefix", shown(name)),
                 "write [host]:port, smtp:[host]:port, smtps:[host]:port, srv:domain or https:host");
  }
  return Element{Prefix::None, "", text};
}

Parsed<Element> take_one_prefix(std::string_view text) {
  Parsed<Element> first = take_prefix(text);
  if (!first || first->prefix == Prefix::None) return first;
  Parsed<Element> second = take_prefix(first->rest);
  if (!second) return second;
  if (second->prefix != Prefix::None) return wrong("there is more than one prefix", "write smtp:[host]:port");
  return first;
}

Parsed<Parts> split_brackets(const Element& element) {
  const std::string_view text = element.rest;
  const std::size_t close = text.find(']');
  const std::string_view inside = text.substr(1, close == text.npos ? text.npos : close - 1);
  if (close == text.npos) return wrong("\"]\" is missing", bracket_form(element.written, inside));
  if (inside.find('[') != inside.npos) return wrong("there is a second \"[\"", kForm);
  if (inside.empty()) return wrong("there is nothing between \"[\" and \"]\"", kForm);
  const std::string_view after = text.substr(close + 1);
  if (after.empty()) return Parts{true, inside, std::nullopt};
  if (after.front() != ':') return wrong(fmt::format("\"{}\" stands behind \"]\"", shown(after)), kForm);
  return Parts{true, inside, after.substr(1)};
}

Parsed<Parts> split_parts(const Element& element) {
  const std::string_view text = element.rest;
  if (text.empty()) return wrong("there is nothing behind the prefix", "write smtp:[host]:port");
  if (text.front() == '[') return split_brackets(element);
  if (element.prefix == Prefix::Https && text.starts_with("//"))
    return wrong("this is a URL; the path is the provider's matter", "write https: and the host alone");
  if (address_version(text) == IpVersion::V6)
    return wrong("an IPv6 address needs brackets", bracket_form(element.written, text));
  const std::size_t bracket = text.find_first_of("[]");
  if (bracket != text.npos) {
    std::string joined(text);
    joined.erase(bracket, 1);
    return wrong(fmt::format("\"{}\" is out of place", text[bracket]),
                 text[bracket] == ']' ? bracket_form(element.written, joined) : std::string(kForm));
  }
  const std::size_t colon = text.find(':');
  const std::string_view host = text.substr(0, colon);
  if (colon == text.npos) return Parts{false, host, std::nullopt};
  const std::string_view port = text.substr(colon + 1);
  if (host.empty()) return wrong("the host is missing", kForm);
  if (port.find(':') != port.npos)
    return wrong("there is more than one \":\" without brackets", fmt::format("{} or {}", kForm, kIpv6Form.substr(6)));
  return Parts{false, host, port};
}

/// What is wrong with a bracket that holds a colon and no address: the port went inside, or the address has a slip.
std::string colon_problem(std::string_view prefix, std::string_view inside) {
  const std::string form = bracket_form(prefix, inside);
  if (form != kForm) return fmt::format("the port stands inside the brackets; {}", form);
  return fmt::format("\"{}\" is not a valid IPv6 address; {}", shown(inside), kIpv6Form);
}

std::optional<std::string> set_host(Destination& destination, std::string_view prefix, const Parts& parts) {
  const std::string whole = lower(parts.host);
  const bool tagged = parts.bracketed && whole.starts_with(kIpv6Tag);
  std::string_view host = whole;
  if (tagged) host.remove_prefix(kIpv6Tag.size());
  const std::optional<IpVersion> version = address_version(host);
  if (tagged && version != IpVersion::V6)
    return fmt::format("\"{}\" is not a valid IPv6 address; {}", shown(host), kIpv6Form);
  if (!version) {
    if (host.find(':') != host.npos) return colon_problem(prefix, host);
    host = without_root_dot(host);
    const bool number = !host.empty() && made_of(kDigits, host);
    if (number) return "this is a number without a host; write for example smtp:[host]:25";
    if (std::optional<std::string> problem = host_name_problem(host)) return problem;
  }
  destination.host = host;
  destination.literal = version.has_value();
  if (version || parts.bracketed) destination.lookup = Lookup::Address;
  return std::nullopt;
}

/// Port numbers and service names; both without anything a C function would stumble over.
Parsed<std::uint16_t> read_port(std::string_view text, const ServicePort& service) {
  std::uint16_t port = 0;
  if (text.empty()) return fail(std::string("the port behind \":\" is missing"));
  if (made_of(kDigits, text)) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error == std::errc() && port > 0) return port;
    return fail(fmt::format("the port {} is not from 1 to 65535", shown(text)));
  }
  if (made_of(kHostOctets, text) && service) port = service(lower(text)).value_or(0);
  if (port > 0) return port;
  return fail(fmt::format("\"{}\" is neither a port number nor a known service name", shown(text)));
}

/// What the prefix alone says.
Destination begin_destination(std::string_view text, Prefix prefix) {
  Destination destination;
  destination.text = text;
  destination.https = prefix == Prefix::Https;
  destination.implicit_tls = prefix == Prefix::Smtps || destination.https;
  if (prefix == Prefix::Smtps) destination.port = kSmtpsPort;
  if (destination.https) destination.port = kHttpsPort;
  // The mail interface of a provider is one host: no MX record speaks of it.
  destination.lookup = prefix == Prefix::Srv ? Lookup::Srv : destination.https ? Lookup::Address : Lookup::Mx;
  return destination;
}

Parsed<Destination> parse_destination(std::string_view text, const ServicePort& service) {
  const Parsed<Element> element = take_one_prefix(text);
  if (!element) return fail(element.error());
  Destination destination = begin_destination(text, element->prefix);
  // The provider tells its host.
  if (destination.https && element->rest.empty()) return destination;
  const Parsed<Parts> parts = split_parts(*element);
  if (!parts) return fail(parts.error());
  const bool srv = element->prefix == Prefix::Srv;
  if (const std::optional<std::string> problem = set_host(destination, element->written, *parts)) return fail(*problem);
  if (srv && destination.lookup != Lookup::Srv) {
    return wrong("\"srv:\" needs a domain, since a host has no SRV records",
                 "write srv:example.com or leave \"srv:\" out");
  }
  if (parts->port) {
    const Parsed<std::uint16_t> port = read_port(*parts->port, service);
    // The host is known to be good here, so the form can repeat what stands before the port.
    const std::string_view before = text.substr(0, text.size() - parts->port->size());
    const std::uint16_t usual = destination.implicit_tls ? destination.port : kSubmissionPort;
    if (!port) return wrong(port.error(), fmt::format("write {}{}", before, usual));
    destination.port = *port;
  }
  // An explicit smtp: is the way to say STARTTLS on port 465.
  const bool by_port = destination.port == kSmtpsPort && element->prefix != Prefix::Smtp;
  destination.implicit_tls = destination.implicit_tls || by_port;
  return destination;
}

}  // namespace

Result<std::vector<Destination>, std::string> parse_nexthop(std::string_view list, const ServicePort& service) {
  const std::vector<std::string_view> elements = split_list(list);
  if (elements.empty()) {
    return fail(std::string(
        "the list of destinations is empty; write for example [mail1.example.com]:587,[mail2.example.com]:587"));
  }
  // The words are no guide to where a user name ends and a password begins, so nothing is quoted.
  if (list.find('@') != list.npos) {
    return fail(
        std::string("there is an \"@\", and a destination has neither a user name nor a password; write "
                    "[host]:port, and the account as username and password_file of a [relay.NAME]"));
  }
  std::vector<Destination> destinations;
  for (const std::string_view element : elements) {
    Parsed<Destination> destination = parse_destination(element, service);
    if (!destination) {
      return fail(fmt::format("destination {} of {}, \"{}\": {}", destinations.size() + 1, elements.size(),
                              shown(element), destination.error()));
    }
    destinations.push_back(*std::move(destination));
  }
  return destinations;
}

}  // namespace relaypipe
