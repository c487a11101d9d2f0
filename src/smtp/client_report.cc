#include "smtp/client_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ip_address.h"
#include "base/printable.h"
#include "base/text.h"

namespace relaypipe {
namespace {

constexpr std::size_t kCommandOctets = 510;  // RFC 5321 4.5.3.1.4, without the line end
constexpr std::size_t kValueOctets = 255;    // what the READMEs allow for a name or an identifier
constexpr std::string_view kUnavailable = "[UNAVAILABLE]";

struct Attribute {
  std::string_view name;
  std::string value;  ///< empty: not known
};

bool offers(const std::vector<std::string>& offered, std::string_view name) {
  return std::find(offered.begin(), offered.end(), name) != offered.end();
}

/// Postfix writes `unknown` for what it does not know.
std::string known(const std::string& value) { return value == "unknown" || value.size() > kValueOctets ? "" : value; }

/// As both READMEs write addresses: IPv6 with a prefix; nothing where it is not an address.
std::string address_of(const ClientInfo& client) {
  const auto address = parse_ip_address(client.address);
  if (!address) return {};
  return address->v6 ? "IPV6:" + address->text() : address->text();
}

bool is_local(const ClientInfo& client) {
  const auto address = parse_ip_address(client.address);
  return !address || address->is_loopback();
}

/// ` NAME=value` in xtext, or as unavailable.
std::string written(const Attribute& attribute) {
  return fmt::format(" {}={}", attribute.name,
                     attribute.value.empty() ? std::string(kUnavailable) : xtext(attribute.value));
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

/// The value of an attribute as the other forms of ClientInfo have it; nothing where it is not valid.
std::optional<std::string> forwarded_value(std::string_view name, std::string_view written) {
  if (written == kUnavailable || written == "[TEMPUNAVAIL]") return std::string();
  auto value = parse_xtext(written);
  if (!value || value->size() > kValueOctets || has_control(*value)) return std::nullopt;
  constexpr std::string_view kIpv6 = "ipv6:";
  if (name == "addr" && lower(*value).starts_with(kIpv6)) value->erase(0, kIpv6.size());
  return value;
}

/// Where an attribute is kept; nullptr for one that is not known. SOURCE is only for the relay's own address rewriting.
std::string* place_of(std::string_view name, ForwardedClient& known, std::string& unused) {
  if (name == "name") return &known.client.name;
  if (name == "addr") return &known.client.address;
  if (name == "port") return &known.client.port;
  if (name == "proto") return &known.client.protocol;
  if (name == "helo") return &known.client.helo;
  if (name == "ident") return &known.queue_id;
  return name == "source" ? &unused : nullptr;
}

}  // namespace

std::string xtext(std::string_view octets) {
  std::string text;
  for (const char c : octets) {
    const bool plain = c > ' ' && c <= '~' && c != '+' && c != '=';
    text += plain ? std::string(1, c) : fmt::format("+{:02X}", static_cast<unsigned char>(c));
  }
  return text;
}

std::optional<std::string> parse_xtext(std::string_view text) {
  std::string octets;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] <= ' ' || text[i] > '~' || text[i] == '=') return std::nullopt;
    if (text[i] != '+') {
      octets += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    octets += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return octets;
}

bool parse_xforward(std::string_view arguments, ForwardedClient& known) {
  ForwardedClient read = known;
  std::string unused;
  std::string_view rest = trimmed(arguments);
  if (rest.empty()) return false;
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest = trimmed(rest.substr(word.size()));
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) return false;
    const std::string name = lower(word.substr(0, equals));
    std::string* const place = place_of(name, read, unused);
    auto value = forwarded_value(name, word.substr(equals + 1));
    if (place == nullptr || !value) return false;
    *place = *std::move(value);
  }
  known = std::move(read);
  return true;
}

std::vector<std::string> xforward_commands(const Envelope& envelope, const Capabilities& relay) {
  const ClientInfo& client = envelope.client;
  const std::string address = address_of(client);
  std::vector<Attribute> attributes;
  if (!address.empty()) {
    attributes = {{"NAME", known(client.name)},
                  {"ADDR", address},
                  {"PORT", known(client.port)},
                  {"PROTO", known(client.protocol)},
                  {"HELO", known(client.helo)}};
  }
  if (!envelope.queue_id.empty()) attributes.push_back({"IDENT", known(envelope.queue_id)});
  attributes.push_back({"SOURCE", is_local(client) ? "LOCAL" : "REMOTE"});
  std::vector<std::string> commands;
  for (const Attribute& attribute : attributes) {
    if (!offers(relay.xforward, attribute.name)) continue;
    const std::string text = written(attribute);
    if (commands.empty() || commands.back().size() + text.size() > kCommandOctets) commands.emplace_back("XFORWARD");
    commands.back() += text;
  }
  return commands;
}

std::optional<std::string> xclient_command(const Envelope& envelope, const Capabilities& relay) {
  const ClientInfo& client = envelope.client;
  const std::string address = address_of(client);
  if (address.empty() || !offers(relay.xclient, "ADDR")) return std::nullopt;
  // Only these two are allowed; the newer names of RFC 3848 are not.
  const std::string protocol = client.protocol.starts_with("ESMTP") ? "ESMTP" : client.protocol.empty() ? "" : "SMTP";
  // The most telling ones first: what makes the line too long is left out.
  const std::vector<Attribute> attributes{
      {"ADDR", address},   {"NAME", known(client.name)},           {"PORT", known(client.port)},
      {"PROTO", protocol}, {"LOGIN", known(client.sasl_username)}, {"HELO", known(client.helo)}};
  std::string command = "XCLIENT";
  for (const Attribute& attribute : attributes) {
    // Without a name the relay would look one up; anything else that is not known is not said.
    if (!offers(relay.xclient, attribute.name) || (attribute.value.empty() && attribute.name != "NAME")) continue;
    const std::string text = written(attribute);
    if (command.size() + text.size() <= kCommandOctets) command += text;
  }
  return command;
}

XclientExchange::XclientExchange(std::string command, std::string helo_name, std::vector<std::string> discarded)
    : ehlo_("EHLO " + std::move(helo_name) + "\r\n"),
      output_(std::move(command) + "\r\n"),
      discarded_(std::move(discarded)) {}

void XclientExchange::receive(std::string_view octets) {
  while (!octets.empty() && state_ == State::Waiting && !parser_.fault()) {
    octets.remove_prefix(parser_.feed(octets));
    if (auto reply = parser_.take()) take(*std::move(reply));
  }
  // Octets after the last reply, or such as are none: not in step any more.
  if (parser_.fault() || (!octets.empty() && state_ != State::Lost)) {
    reply_.reset();
    state_ = State::Lost;
  }
}

void XclientExchange::take(Reply reply) {
  constexpr int kServiceNotAvailable = 421;
  const bool positive = reply.positive();
  const bool early = !output_.empty();
  if (!introduced_ && positive && !early) {
    introduced_ = true;
    output_ = ehlo_;
    return;
  }
  const bool refused = !introduced_ && !early && !positive && reply.code != kServiceNotAvailable;
  if (introduced_ && positive && !early) {
    capabilities_ = parse_capabilities(reply, discarded_);
    state_ = State::Done;
  } else {
    state_ = refused ? State::Refused : State::Lost;
  }
  if (!early) reply_ = std::move(reply);
}

}  // namespace relaypipe
