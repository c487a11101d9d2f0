#include "relay/destination.h"

#include <string>
#include <utility>
#include <vector>

#include "catch.h"

using namespace relaypipe;

namespace {

/// The few services the tests know, in lower case as getservbyname(3) has them; `zero` is what a broken table may hold.
std::optional<std::uint16_t> test_service(std::string_view name) {
  if (name == "smtp") return std::uint16_t{25};
  if (name == "submission") return std::uint16_t{587};
  if (name == "submissions") return std::uint16_t{465};
  if (name == "zero") return std::uint16_t{0};
  return std::nullopt;
}

std::vector<Destination> parsed(std::string_view list) {
  const auto result = parse_nexthop(list, test_service);
  INFO("list: " << std::string(list) << (result ? "" : " error: " + result.error()));
  REQUIRE(result);
  return *result;
}

std::string error_of(std::string_view list) {
  const auto result = parse_nexthop(list, test_service);
  return result ? "no error" : result.error();
}

/// The error of the only element, without the words that name it.
std::string problem_of(const std::string& element) {
  const std::string error = error_of(element);
  const std::string start = "destination 1 of 1, \"" + element + "\": ";
  return error.starts_with(start) ? error.substr(start.size()) : "unexpected start: " + error;
}

struct Good {
  std::string text;
  std::string host;
  bool literal;
  Lookup lookup;
  std::uint16_t port;
  bool implicit_tls;
};

const std::string kLabel63(63, 'a');
const std::string kName253 = kLabel63 + "." + kLabel63 + "." + kLabel63 + "." + std::string(61, 'b');

}  // namespace

TEST_CASE("every form of a destination", "[destination]") {
  const auto [text, host, literal, lookup, port, implicit_tls] = GENERATE(values<Good>({
      {"[mail.example.com]", "mail.example.com", false, Lookup::Address, 25, false},
      {"[mail.example.com]:587", "mail.example.com", false, Lookup::Address, 587, false},
      {"[MAIL.Example.COM.]:587", "mail.example.com", false, Lookup::Address, 587, false},
      {"[localhost]", "localhost", false, Lookup::Address, 25, false},
      {"[a_b-c.example]", "a_b-c.example", false, Lookup::Address, 25, false},
      {"[123.example]", "123.example", false, Lookup::Address, 25, false},
      {"[1a]", "1a", false, Lookup::Address, 25, false},
      {"example.com", "example.com", false, Lookup::Mx, 25, false},
      {"example.com.", "example.com", false, Lookup::Mx, 25, false},
      {"example.com:587", "example.com", false, Lookup::Mx, 587, false},
      {"example.com:0587", "example.com", false, Lookup::Mx, 587, false},
      {"example.com:submission", "example.com", false, Lookup::Mx, 587, false},
      {"example.com:SUBMISSION", "example.com", false, Lookup::Mx, 587, false},
      {"xn--bcher-kva.example", "xn--bcher-kva.example", false, Lookup::Mx, 25, false},
      {kName253, kName253, false, Lookup::Mx, 25, false},
      {kName253 + ".", kName253, false, Lookup::Mx, 25, false},
      {"192.0.2.1", "192.0.2.1", true, Lookup::Address, 25, false},
      {"192.0.2.1:65535", "192.0.2.1", true, Lookup::Address, 65535, false},
      {"[192.0.2.1]:1", "192.0.2.1", true, Lookup::Address, 1, false},
      {"[ipv6:2001:db8::1]:25", "2001:db8::1", true, Lookup::Address, 25, false},
      {"[IPv6:2001:DB8::1]", "2001:db8::1", true, Lookup::Address, 25, false},
      {"[2001:db8::1]:submission", "2001:db8::1", true, Lookup::Address, 587, false},
      {"[::ffff:192.0.2.1]", "::ffff:192.0.2.1", true, Lookup::Address, 25, false},
      // Port 465 means TLS from the first octet, unless smtp: says otherwise.
      {"[mail.example.com]:465", "mail.example.com", false, Lookup::Address, 465, true},
      {"example.com:submissions", "example.com", false, Lookup::Mx, 465, true},
      {"smtp:[mail.example.com]:465", "mail.example.com", false, Lookup::Address, 465, false},
      {"smtps:[mail.example.com]", "mail.example.com", false, Lookup::Address, 465, true},
      {"SMTPS:[mail.example.com]:2465", "mail.example.com", false, Lookup::Address, 2465, true},
      {"smtps:example.com:25", "example.com", false, Lookup::Mx, 25, true},
      {"Smtp:example.com", "example.com", false, Lookup::Mx, 25, false},
      {"smtp:192.0.2.1:26", "192.0.2.1", true, Lookup::Address, 26, false},
      {"smtp:[ipv6:::1]:26", "::1", true, Lookup::Address, 26, false},
      {"srv:example.com", "example.com", false, Lookup::Srv, 25, false},
      {"SRV:example.com:587", "example.com", false, Lookup::Srv, 587, false},
      {"srv:example.com:465", "example.com", false, Lookup::Srv, 465, true},
      // Words that are prefixes elsewhere are hosts where only a port can follow.
      {"lmtp:24", "lmtp", false, Lookup::Mx, 24, false},
      {"relay:submission", "relay", false, Lookup::Mx, 587, false},
      {"smtp", "smtp", false, Lookup::Mx, 25, false},
  }));
  CHECK(parsed(text) == std::vector<Destination>{{text, host, literal, lookup, port, implicit_tls}});
}

TEST_CASE("https: is one host, at port 443", "[destination]") {
  const auto [text, host, literal, port] = GENERATE(table<std::string, std::string, bool, std::uint16_t>({
      {"https:", "", false, 443},
      {"HTTPS:API.mailgun.net", "api.mailgun.net", false, 443},
      {"https:[api.mailgun.net]:8443", "api.mailgun.net", false, 8443},
      {"https:192.0.2.1:465", "192.0.2.1", true, 465},
  }));
  Destination expected{text, host, literal, Lookup::Address, port, true};
  expected.https = true;
  CHECK(parsed(text) == std::vector<Destination>{expected});
}

TEST_CASE("a list is separated by any run of commas and blanks", "[destination]") {
  const std::string list = GENERATE(values<std::string>(
      {"[a.example]:587,[b.example]:587", "[a.example]:587, [b.example]:587", "[a.example]:587 [b.example]:587",
       " ,,[a.example]:587\t,\n[b.example]:587,\r\n", "[a.example]:587,,[b.example]:587"}));
  const auto destinations = parsed(list);
  REQUIRE(destinations.size() == 2);
  CHECK(destinations[0].text == "[a.example]:587");
  CHECK(destinations[0].host == "a.example");
  CHECK(destinations[1].text == "[b.example]:587");
  CHECK(destinations[1].host == "b.example");
}

TEST_CASE("a list keeps its order and its duplicates", "[destination]") {
  std::vector<std::string> hosts;
  for (const auto& destination : parsed("smtp:[h2]:587, smtps:[h1] h3, [h2]"))
    hosts.push_back(destination.host);
  CHECK(hosts == std::vector<std::string>{"h2", "h1", "h3", "h2"});
}

TEST_CASE("an empty list is an error", "[destination]") {
  const std::string list = GENERATE(values<std::string>({"", " ", ",", " ,\t\n, "}));
  CHECK(error_of(list) ==
        "the list of destinations is empty; write for example [mail1.example.com]:587,[mail2.example.com]:587");
}

TEST_CASE("an error names the position, the element, the fault and the right form", "[destination]") {
  CHECK(error_of("[mail1.example.com]:587, [mail2.example.com:587 [mail3.example.com]") ==
        "destination 2 of 3, \"[mail2.example.com:587\": \"]\" is missing; write [mail2.example.com]:587");
  CHECK(error_of("a.example,b.example:0") ==
        "destination 2 of 2, \"b.example:0\": the port 0 is not from 1 to 65535; write b.example:587");
}

TEST_CASE("faults of brackets", "[destination]") {
  const auto [element, problem] = GENERATE(table<std::string, std::string>({
      {"[", "\"]\" is missing; write [host]:port"},
      {"[mail.example.com", "\"]\" is missing; write [mail.example.com]"},
      {"smtps:[mail.example.com", "\"]\" is missing; write smtps:[mail.example.com]"},
      {"[192.0.2.1:25", "\"]\" is missing; write [192.0.2.1]:25"},
      {"[2001:db8::1", "\"]\" is missing; write [ipv6:2001:db8::1]:25"},
      {"[ipv6:2001:db8::1", "\"]\" is missing; write [ipv6:2001:db8::1]:25"},
      {"[ipv6:2001:db8::9:25", "\"]\" is missing; write [ipv6:2001:db8::1]:25"},
      {"[!", "\"]\" is missing; write [host]:port"},
      {"[]", "there is nothing between \"[\" and \"]\"; write [host]:port"},
      {"[]:25", "there is nothing between \"[\" and \"]\"; write [host]:port"},
      {"[[a.example]]", "there is a second \"[\"; write [host]:port"},
      {"[a.example]]", "\"]\" stands behind \"]\"; write [host]:port"},
      {"[a.example]587", "\"587\" stands behind \"]\"; write [host]:port"},
      {"[a.example][b.example]", "\"[b.example]\" stands behind \"]\"; write [host]:port"},
      {"a.example]:587", "\"]\" is out of place; write [a.example]:587"},
      {"smtp:a.example]", "\"]\" is out of place; write smtp:[a.example]"},
      {"a[b]", "\"[\" is out of place; write [host]:port"},
      {"]", "\"]\" is out of place; write [host]:port"},
      {"[a.example:587]", "the port stands inside the brackets; write [a.example]:587"},
      {"smtp:[192.0.2.1:587]", "the port stands inside the brackets; write smtp:[192.0.2.1]:587"},
  }));
  CHECK(problem_of(element) == problem);
}

TEST_CASE("faults of prefixes", "[destination]") {
  const std::string known =
      " is not a known prefix; write [host]:port, smtp:[host]:port, smtps:[host]:port, srv:domain or https:host";
  const auto [element, problem] = GENERATE_COPY(table<std::string, std::string>({
      {"lmtp:[a.example]", "\"lmtp:\"" + known},
      {"LMTP:a.example", "\"lmtp:\"" + known},
      {"unix:/run/lmtp.sock", "\"unix:\"" + known},
      {"unix:private/lmtp", "\"unix:\"" + known},
      {"inet:a.example:24", "\"inet:\"" + known},
      {"relay:[a.example]:25", "\"relay:\"" + known},
      {"http://a.example", "\"http:\"" + known},
      {"smtp:lmtp:[a.example]", "\"lmtp:\"" + known},
      {"smtp:smtps:[a.example]", "there is more than one prefix; write smtp:[host]:port"},
      {"smtp:", "there is nothing behind the prefix; write smtp:[host]:port"},
      {"https://api.example/v3", "this is a URL; the path is the provider's matter; write https: and the host alone"},
      {"https:a.example:x", "\"x\" is neither a port number nor a known service name; write https:a.example:443"},
      {"srv:[a.example]",
       "\"srv:\" needs a domain, since a host has no SRV records; write srv:example.com or leave \"srv:\" out"},
      {"srv:192.0.2.1",
       "\"srv:\" needs a domain, since a host has no SRV records; write srv:example.com or leave \"srv:\" out"},
  }));
  CHECK(problem_of(element) == problem);
}

TEST_CASE("faults of ports", "[destination]") {
  const std::string range = " is not from 1 to 65535; write [a.example]:587";
  const std::string service = " is neither a port number nor a known service name; write [a.example]:587";
  const auto [element, problem] = GENERATE_COPY(table<std::string, std::string>({
      {"[a.example]:", "the port behind \":\" is missing; write [a.example]:587"},
      {"a.example:", "the port behind \":\" is missing; write a.example:587"},
      {"smtps:a.example:", "the port behind \":\" is missing; write smtps:a.example:465"},
      {"[a.example]:0", "the port 0" + range},
      {"[a.example]:65536", "the port 65536" + range},
      {"[a.example]:99999999999999999999999", "the port 99999999999999999999999" + range},
      {"[a.example]:-1", "\"-1\"" + service},
      {"[a.example]:+25", "\"+25\"" + service},
      {"[a.example]:25a", "\"25a\"" + service},
      {"[a.example]:submision", "\"submision\"" + service},
      {"[a.example]:zero", "\"zero\"" + service},
      {"[a.example]:sub:mission", "\"sub:mission\"" + service},
      {":25", "the host is missing; write [host]:port"},
      {"smtp::25", "the host is missing; write [host]:port"},
      {"a.example:25:26", "there is more than one \":\" without brackets; write [host]:port or [ipv6:2001:db8::1]:25"},
  }));
  CHECK(problem_of(element) == problem);
}

TEST_CASE("a service name with octets of no name is not looked up", "[destination]") {
  const auto asked = [](std::string_view) -> std::optional<std::uint16_t> {
    FAIL("looked up");
    return std::nullopt;
  };
  CHECK_FALSE(parse_nexthop(std::string_view("[a.example]:smtp\0x", 18), asked));
  CHECK_FALSE(parse_nexthop("[a.example]:smtp", nullptr));
}

TEST_CASE("faults of IPv6 addresses", "[destination]") {
  const auto [element, problem] = GENERATE(table<std::string, std::string>({
      {"2001:db8::1", "an IPv6 address needs brackets; write [ipv6:2001:db8::1]:25"},
      {"::1", "an IPv6 address needs brackets; write [ipv6:::1]:25"},
      {"smtp:2001:db8::1", "an IPv6 address needs brackets; write smtp:[ipv6:2001:db8::1]:25"},
      {"ipv6:2001:db8::1", "an IPv6 address needs brackets; write [ipv6:2001:db8::1]:25"},
      {"[ipv6:a.example]", "\"a.example\" is not a valid IPv6 address; write [ipv6:2001:db8::1]:25"},
      {"[ipv6:192.0.2.1]", "\"192.0.2.1\" is not a valid IPv6 address; write [ipv6:2001:db8::1]:25"},
      {"[ipv6:]", "\"\" is not a valid IPv6 address; write [ipv6:2001:db8::1]:25"},
      {"[ipv6:::1.]", "\"::1.\" is not a valid IPv6 address; write [ipv6:2001:db8::1]:25"},
      {"[2001:db8::g]", "\"2001:db8::g\" is not a valid IPv6 address; write [ipv6:2001:db8::1]:25"},
      {"[fe80::1%eth0]", "\"fe80::1%eth0\" is not a valid IPv6 address; write [ipv6:2001:db8::1]:25"},
      {"ipv6:[::1]",
       "\"ipv6:\" is not a known prefix; write [host]:port, smtp:[host]:port, smtps:[host]:port, srv:domain "
       "or https:host"},
  }));
  CHECK(problem_of(element) == problem);
}

TEST_CASE("faults of host names", "[destination]") {
  const std::string form = "; write a name such as mail.example.com";
  const std::string number = "this is a number without a host; write for example smtp:[host]:25";
  const std::string digits =
      "\" is not a valid IPv4 address, and the last label of a host name is not all digits" + form;
  const auto [element, problem] = GENERATE_COPY(table<std::string, std::string>({
      {"25", number},
      {"smtp:25", number},
      {"smtp:587:25", number},
      {"[25]", number},
      {"192.0.2.300", "\"192.0.2.300" + digits + " or 192.0.2.1"},
      {"[192.0.2.1.]", "\"192.0.2.1" + digits + " or 192.0.2.1"},
      {"a.25", "\"a.25" + digits + " or 192.0.2.1"},
      {".", "the host name is missing" + form},
      {".example", "the host name has an empty label" + form},
      {"a..example", "the host name has an empty label" + form},
      {"a.example..", "the host name has an empty label" + form},
      {"-a.example", "the label \"-a\" begins or ends with a hyphen" + form},
      {"a-.example", "the label \"a-\" begins or ends with a hyphen" + form},
      {"[*.example]", "\"*\" cannot be in a host name" + form},
      {"b\xC3\xBC"
       "cher.example",
       "the host name is not ASCII; write its A-label form (xn--...)"},
      {"a" + kLabel63, "the label \"a" + kLabel63 + "\" is longer than 63 octets" + form},
  }));
  CHECK(problem_of(element) == problem);
}

TEST_CASE("foreign octets are cleaned and long elements clipped", "[destination]") {
  CHECK(error_of("a\x1B[31m") == "destination 1 of 1, \"a?[31m\": \"[\" is out of place; write [host]:port");
  CHECK(error_of(std::string_view("a\0b", 3)) ==
        "destination 1 of 1, \"a?b\": \"?\" cannot be in a host name; write a name such as mail.example.com");
  CHECK(error_of(kName253 + "b") == "destination 1 of 1, \"" + (kName253 + "b").substr(0, 100) +
                                        "\": the host name is longer than 253 octets; write a name such as "
                                        "mail.example.com");
  CHECK(error_of("[a]:" + std::string(500, 'x')).size() < 400);
  CHECK(error_of(std::string(100'000, '[')).size() < 400);
}
