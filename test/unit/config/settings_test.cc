#include "config/setting_keys.h"

#include <set>

#include "catch.h"
#include "config/nearest.h"
#include "config/settings_problems.h"
#include "relay/host.h"
#include "relay/units.h"

using namespace relaypipe;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::string>;

/// Both halves, to look at what an assignment has changed wherever that is.
struct Settings : RunSettings, RelaySettings {};

std::optional<std::string> apply_to(Settings& settings, std::string_view assignment) {
  return apply_setting(settings, settings, assignment);
}

/// The settings after one assignment that must be good.
Settings with(const std::string& assignment) {
  Settings settings;
  const auto problem = apply_to(settings, assignment);
  INFO(assignment << ": " << problem.value_or("good"));
  REQUIRE_FALSE(problem);
  return settings;
}

std::string problem_of(std::string_view assignment) {
  Settings settings;
  return apply_to(settings, assignment).value_or("no problem");
}

std::string with_bind(const std::string& addresses, const std::string& ip) {
  Settings settings = with("bind_address=" + addresses);
  REQUIRE_FALSE(apply_to(settings, "ip=" + ip));
  std::string all;
  for (const SettingsProblem& problem : settings_problems(settings))
    all += problem.text + "\n";
  return all;
}

}  // namespace

TEST_CASE("every duration has its key and its field", "[settings]") {
  CHECK(with("deadline=5m").deadline == 5min);
  CHECK(with("patience=1ms").patience == 1ms);
  CHECK(with("address_patience=7s").address_patience == 7s);
  CHECK(with("stall_limit=7s").stall_limit == 7s);
  CHECK(with("connect_timeout=7s").limits.connect == 7s);
  CHECK(with("greeting_timeout=7s").limits.greeting == 7s);
  CHECK(with("helo_timeout=7s").limits.helo == 7s);
  CHECK(with("starttls_timeout=7s").limits.starttls == 7s);
  CHECK(with("auth_timeout=7s").limits.auth == 7s);
  CHECK(with("mail_timeout=7s").limits.mail == 7s);
  CHECK(with("rcpt_timeout=7s").limits.rcpt == 7s);
  CHECK(with("data_init_timeout=7s").limits.data_init == 7s);
  CHECK(with("data_xfer_timeout=7s").limits.data_xfer == 7s);
  CHECK(with("data_done_timeout=1h").limits.data_done == 1h);
  CHECK(with("dns_timeout=7s").dns_timeout == 7s);
  CHECK(with("resolve_limit=7s").resolve_limit == 7s);
}

TEST_CASE("every other value has its key and its field", "[settings]") {
  CHECK(with("max_sessions=7").max_sessions == 7);
  CHECK(with("mx_address_limit=0").mx_address_limit == 0);
  CHECK(with("mx_session_limit=7").mx_session_limit == 7);
  CHECK(with("line_length_limit=0").line_length_limit == 0);
  CHECK(with("line_length_limit=16").line_length_limit == 16);
  CHECK(with("size_tolerance=1k").size_tolerance == 1'024);
  CHECK(with("spool_memory=512k").spool_memory == 524'288);
  CHECK(with("spool_directory=/var/spool/a b").spool_directory == "/var/spool/a b");
  CHECK(with("syslog_ident=postfix/x").syslog_ident == "postfix/x");
  CHECK(with("syslog_socket=/run/log").syslog_socket == "/run/log");
  CHECK(with("log_file=/var/log/relaypipe.log").log_file == "/var/log/relaypipe.log");
  CHECK(with("tls=none").tls == TlsLevel::None);
  CHECK(with("tls=may").tls == TlsLevel::May);
  CHECK(with("tls=encrypt").tls == TlsLevel::Encrypt);
  CHECK(with("tls=VERIFY").tls == TlsLevel::Verify);
  CHECK(with("ip=any").ip == IpVersion::Any);
  CHECK(with("ip=4").ip == IpVersion::V4);
  CHECK(with("ip=6").ip == IpVersion::V6);
  CHECK(with("srv=yes").srv);
  CHECK(with("srv=true").srv);
  CHECK_FALSE(with("srv=no").srv);
  CHECK_FALSE(with("srv=false").srv);
}

TEST_CASE("mechanisms are those libcurl knows, in upper case", "[settings]") {
  CHECK(Settings().auth_mechanisms.empty());
  CHECK(with("auth_mechanisms=plain, Cram-MD5").auth_mechanisms == Words{"PLAIN", "CRAM-MD5"});
  CHECK(with("auth_mechanisms=").auth_mechanisms.empty());
  const std::string all = "OAUTHBEARER, XOAUTH2, GSSAPI, EXTERNAL, DIGEST-MD5, CRAM-MD5, NTLM, PLAIN, LOGIN";
  CHECK(problem_of("auth_mechanisms=PLAIN,plian") ==
        "auth_mechanisms=...: the value is not a mechanism we know; did you mean PLAIN? Write some of " + all);
  CHECK(problem_of("auth_mechanisms=scram-sha-256") ==
        "auth_mechanisms=...: the value cannot be used: libcurl lacks SCRAM; write some of " + all);
  CHECK(problem_of("auth_mechanisms=ANONYMOUS") ==
        "auth_mechanisms=...: the value is not a mechanism we know; write some of " + all);
}

TEST_CASE("keywords of EHLO are those Postfix knows, in upper case", "[settings]") {
  CHECK(Settings().discard_ehlo_keywords.empty());
  CHECK(with("discard_ehlo_keywords=pipelining, StartTLS silent-discard").discard_ehlo_keywords ==
        Words{"PIPELINING", "STARTTLS", "SILENT-DISCARD"});
  CHECK(with("discard_ehlo_keywords=").discard_ehlo_keywords.empty());
  CHECK_THAT(
      problem_of("discard_ehlo_keywords=pipelinning"),
      Catch::Matchers::StartsWith("discard_ehlo_keywords=pipelinning: \"pipelinning\" is not a keyword that can be "
                                  "discarded; did you mean pipelining? Write some of 8bitmime, auth, "));
}

TEST_CASE("what begins an address extension is no part of a plain address", "[settings]") {
  CHECK(Settings().recipient_delimiter.empty());
  CHECK(with("recipient_delimiter=+").recipient_delimiter == "+");
  CHECK(with("recipient_delimiter=+-").recipient_delimiter == "+-");
  const std::string bad = GENERATE("a", "+ -", "@", "\"", "+1");
  CHECK_THAT(problem_of("recipient_delimiter=" + bad),
             Catch::Matchers::ContainsSubstring("is not a set of delimiters"));
}

TEST_CASE("lists of addresses are canonical, replace what was there and may be empty", "[settings]") {
  CHECK(with("bind_address=192.0.2.1, 2001:DB8:0::1").bind_address == Words{"192.0.2.1", "2001:db8::1"});
  CHECK(with("own_addresses=[2001:db8::1]").own_addresses == Words{"2001:db8::1"});
  CHECK(with("proxy_addresses=192.0.2.1 192.0.2.2").proxy_addresses == Words{"192.0.2.1", "192.0.2.2"});
  Settings settings = with("own_addresses=192.0.2.1,192.0.2.2");
  REQUIRE_FALSE(apply_to(settings, "own_addresses=192.0.2.3"));
  CHECK(settings.own_addresses == Words{"192.0.2.3"});
  REQUIRE_FALSE(apply_to(settings, "own_addresses="));
  CHECK(settings.own_addresses.empty());
}

TEST_CASE("DNS servers have an address and perhaps a port", "[settings]") {
  const auto [text, server] = GENERATE(table<std::string, std::string>({
      {"192.0.2.1", "192.0.2.1"},
      {"192.0.2.1:5353", "192.0.2.1:5353"},
      {"[192.0.2.1]:5353", "192.0.2.1:5353"},
      {"::1", "::1"},
      {"[::1]", "::1"},
      {"[0:0::1]:5353", "[::1]:5353"},
  }));
  CHECK(with("dns_servers=" + text).dns_servers == Words{server});
}

TEST_CASE("what is no DNS server is refused", "[settings]") {
  const std::string text =
      GENERATE(values<std::string>({"ns.example", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:domain",
                                    "2001:db8::1:99999", "[::1]:", "[::1", "::1]", "[", ":53", "[::1]53", "192.0.2"}));
  CHECK(problem_of("dns_servers=" + text) ==
        "dns_servers=" + text + ": \"" + text +
            "\" is not a valid server address; write 192.0.2.1, 192.0.2.1:53, 2001:db8::1 or [2001:db8::1]:53");
}

TEST_CASE("hostname is a name or an address in brackets", "[settings]") {
  const auto [text, hostname] = GENERATE(table<std::string, std::string>({
      {"", ""},
      {"mail.example.com", "mail.example.com"},
      {"Mail.example.com.", "Mail.example.com"},
      {"localhost", "localhost"},
      {"[192.0.2.1]", "[192.0.2.1]"},
      {"[2001:db8::1]", "[IPv6:2001:db8::1]"},
      {"[ipv6:2001:DB8::1]", "[IPv6:2001:db8::1]"},
  }));
  CHECK(with("hostname=" + text).hostname == hostname);
}

TEST_CASE("what could break the EHLO command is no hostname", "[settings]") {
  const std::string name = "; write a name such as mail.example.com";
  const std::string address = " is not a valid address; write [192.0.2.1] or [IPv6:2001:db8::1]";
  const auto [text, problem] = GENERATE_COPY(table<std::string, std::string>({
      {"a b", "\" \" cannot be in a host name" + name},
      {"a\x01z", "\"?\" cannot be in a host name" + name},
      {"a..b", "the host name has an empty label" + name},
      {".", "the host name is missing" + name},
      {"192.0.2.1", "\"192.0.2.1\" needs brackets; write [192.0.2.1]"},
      {"::1", "\"::1\" needs brackets; write [::1]"},
      {"b\xC3\xBC.example", "the host name is not ASCII; write its A-label form (xn--...)"},
      {"[", "\"[\"" + address},
      {"[]", "\"[]\"" + address},
      {"[a.example]", "\"[a.example]\"" + address},
      {"[192.0.2.1", "\"[192.0.2.1\"" + address},
      {"[IPv6:192.0.2.1]", "\"[IPv6:192.0.2.1]\"" + address},
      {"[IPv6:", "\"[IPv6:\"" + address},
  }));
  CHECK(problem_of("hostname=" + text).ends_with(": " + problem));
}

TEST_CASE("a line break in the middle of hostname does not reach EHLO", "[settings]") {
  CHECK(problem_of("hostname=a\r\nQUIT").starts_with("hostname=a  QUIT: \" \" cannot be in a host name"));
}

TEST_CASE("a wrong value is refused with its key, itself and what is allowed", "[settings]") {
  const std::string duration = "; write a duration such as 30s or 2m (units ms, s, m, h, d)";
  const std::string ident = " is not allowed; write up to 64 ASCII characters without blanks";
  const auto [text, problem] = GENERATE_COPY(table<std::string, std::string>({
      {"connect_timeout=30", "\"30\" has no unit" + duration},
      {"connect_timeout=", "\"\" is empty" + duration},
      {"connect_timeout=0", "\"0\" is out of range; write a duration from 1ms to 1h"},
      {"patience=61m", "\"61m\" is out of range; write a duration from 1ms to 1h"},
      {"deadline=999ms", "\"999ms\" is out of range; write a duration from 1s to 5h"},
      {"deadline=6h", "\"6h\" is out of range; write a duration from 1s to 5h"},
      {"max_sessions=0", "\"0\" is out of range; write a whole number from 1 to 100"},
      {"mx_address_limit=-1", "\"-1\" is not a whole number; write a whole number from 0 to 1000"},
      {"line_length_limit=15", "\"15\" is out of range; write a whole number from 16 to 1000000, or 0 for no limit"},
      {"spool_memory=2G", "\"2G\" is too large; write at most 1073741824 octets"},
      {"spool_memory=x", "\"x\" is not a number of octets; write a number of octets such as 1048576, 512k, 10M or 2G"},
      {"tls=secure", "\"secure\" is not allowed; write none, may, encrypt or verify"},
      {"tls=", "\"\" is not allowed; write none, may, encrypt or verify"},
      {"ip=5", "\"5\" is not allowed; write any, 4 or 6"},
      {"srv=maybe", "\"maybe\" is not allowed; write yes, no, true or false"},
      {"bind_address=192.0.2.1 eth0", "\"eth0\" is not a valid IP address; write 192.0.2.1 or 2001:db8::1"},
      {"own_addresses=192.0.2.1:25", "\"192.0.2.1:25\" is not a valid IP address; write 192.0.2.1 or 2001:db8::1"},
      {"spool_directory=tmp", "\"tmp\" is not an absolute path; write one such as /var/tmp"},
      {"spool_directory=", "\"\" is not an absolute path; write one such as /var/tmp"},
      {"syslog_socket=log", "\"log\" is not an absolute path; write one such as /dev/log"},
      {"syslog_ident=", "\"\"" + ident},
      {"syslog_ident=a b", "\"a b\"" + ident},
      {"syslog_ident=b\xC3\xBC", "\"b\xC3\xBC\"" + ident},
  }));
  CHECK(problem_of(text) == text + ": " + problem);
}

TEST_CASE("paths and idents end where the kernel and the log end", "[settings]") {
  CHECK(with("syslog_ident=" + std::string(64, 'x')).syslog_ident.size() == 64);
  CHECK(problem_of("syslog_ident=" + std::string(65, 'x')) != "no problem");
  CHECK(with("syslog_socket=/" + std::string(106, 'x')).syslog_socket.size() == 107);
  CHECK(problem_of("syslog_socket=/" + std::string(107, 'x')).ends_with("is longer than 107 octets"));
  CHECK(problem_of("spool_directory=/a\nb").find("is not an absolute path") != std::string::npos);
  CHECK(problem_of(std::string_view("spool_directory=/a\0b", 20)).find("is not an absolute path") != std::string::npos);
}

TEST_CASE("a refused value changes nothing", "[settings]") {
  Settings settings = with("own_addresses=192.0.2.1");
  settings.hostname = "a.example";
  for (const char* bad : {"own_addresses=192.0.2.2,x", "hostname=b c", "deadline=1d", "tls=x", "line_length_limit=1",
                          "spool_memory=9G", "spool_directory=x", "syslog_ident=a b"}) {
    INFO(bad);
    CHECK(apply_to(settings, bad));
  }
  CHECK(settings.own_addresses == Words{"192.0.2.1"});
  CHECK(settings.hostname == "a.example");
  CHECK(settings.deadline == Settings().deadline);
  CHECK(settings.tls == Settings().tls);
  CHECK(settings.line_length_limit == Settings().line_length_limit);
  CHECK(settings.spool_memory == Settings().spool_memory);
  CHECK(settings.spool_directory == Settings().spool_directory);
  CHECK(settings.syslog_ident == Settings().syslog_ident);
}

TEST_CASE("blanks around name and value do not count", "[settings]") {
  CHECK(with(" patience =\t3s \n").patience == 3s);
  CHECK(with("syslog_ident=a=b").syslog_ident == "a=b");
}

TEST_CASE("an unknown setting is named with the nearest known one", "[settings]") {
  CHECK(problem_of("conect_timeout=30s") == "conect_timeout=...: unknown setting; did you mean connect_timeout?");
  CHECK(problem_of("connect-timeout=30s") == "connect-timeout=...: unknown setting; did you mean connect_timeout?");
  CHECK(problem_of("Deadline=30s") == "Deadline=...: unknown setting; did you mean deadline?");
  CHECK(problem_of("dealdine") == "dealdine: unknown setting; did you mean deadline?");
  CHECK(problem_of("colour=red") == "colour=...: unknown setting; --help lists all");
  CHECK(problem_of("=red") == "=...: unknown setting; --help lists all");
  CHECK(problem_of("") == ": unknown setting; --help lists all");
  CHECK(problem_of(std::string(5000, 'x') + "=1").size() < 200);
  CHECK(problem_of("patience") == "patience: the value is missing; write patience=VALUE (duration such as 30s or 2m)");
}

TEST_CASE("the table describes every key once", "[settings]") {
  std::set<std::string_view> names;
  for (const SettingKey& key : settings_table()) {
    INFO(std::string(key.name));
    CHECK(names.insert(key.name).second);
    CHECK_FALSE(key.form.empty());
    CHECK_FALSE(key.help.empty());
    Settings settings;
    const auto problem = key.apply(settings, settings, "\x01 no such value");
    REQUIRE(problem);
    CHECK(problem->find('\x01') == std::string::npos);
  }
  CHECK(names.contains("deadline"));
}

TEST_CASE("to the settings of one relay a key of the run is nothing", "[settings]") {
  for (const SettingKey& key : settings_table()) {
    INFO(std::string(key.name));
    RelaySettings relay;
    CHECK(key.apply(relay, "\x01 no such value").has_value() == (key.scope != SettingScope::Global));
  }
  RelaySettings relay;
  CHECK_FALSE(apply_setting(relay, "deadline=1m"));
  CHECK_FALSE(apply_setting(relay, "tls=verify"));
  CHECK(relay.tls == TlsLevel::Verify);
}

TEST_CASE("settings that contradict each other are problems", "[settings]") {
  CHECK(settings_problems(Settings()).empty());
  CHECK(with_bind("192.0.2.1,2001:db8::1", "any").empty());
  CHECK(with_bind("192.0.2.1", "4").empty());
  CHECK(with_bind("192.0.2.1,2001:db8::1,192.0.2.2", "any") ==
        "bind_address: 192.0.2.1 and 192.0.2.2 are IPv4 addresses; write at most one per IP version\n");
  CHECK(with_bind("::1,::2", "6") ==
        "bind_address: ::1 and ::2 are IPv6 addresses; write at most one per IP version\n");
  CHECK(with_bind("192.0.2.1", "6") == "bind_address: 192.0.2.1 is an IPv4 address, but ip excludes those\n");
  CHECK(with_bind("::1", "4") == "bind_address: ::1 is an IPv6 address, but ip excludes those\n");
}

TEST_CASE("the longest rest is not shorter than the shortest", "[settings]") {
  Settings settings = with("cool_down=2m");
  REQUIRE_FALSE(apply_to(settings, "cool_down_max=1m"));
  const std::vector<SettingsProblem> problems = settings_problems(settings);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].text == "cool_down_max: 1m is less than cool_down, 2m; write at least that");
  REQUIRE_FALSE(apply_to(settings, "cool_down_max=2m"));
  CHECK(settings_problems(settings).empty());
}

TEST_CASE("the nearest word is near by edits", "[settings]") {
  constexpr std::string_view known[] = {"ip", "tls", "srv", "patience", "mail_timeout", "rcpt_timeout"};
  const auto [word, found] = GENERATE(table<std::string, std::string>({
      {"ip", "ip"},
      {"IP", "ip"},
      {"pi", "ip"},
      {"iip", "ip"},
      {"tsl", "tls"},
      {"ls", "tls"},
      {"pateince", "patience"},
      {"pacience", "patience"},
      {"ptience", "patience"},
      {"maill_timeout", "mail_timeout"},
      {"rctp_timeout", "rcpt_timeout"},
      {"", ""},
      {"x", ""},
      {"xyz", ""},
      {"pronto", ""},
      {"impatiently", ""},
  }));
  INFO(word);
  CHECK(nearest(word, known).value_or("") == found);
  CHECK_FALSE(nearest(word, {}));
}

TEST_CASE("a word as long as a message is not compared", "[settings]") {
  const std::string_view known[] = {std::string_view("patience")};
  CHECK_FALSE(nearest(std::string(1'000'000, 'p'), known));
}

TEST_CASE("addresses are told by version", "[settings]") {
  CHECK(address_version("192.0.2.1") == IpVersion::V4);
  CHECK(address_version("::ffff:192.0.2.1") == IpVersion::V6);
  const std::string text = GENERATE(values<std::string>(
      {"", "1", "192.0.2", "192.0.2.256", "192.0.2.01", " 192.0.2.1", "::1%lo", "[::1]", std::string("::1\0x", 5)}));
  CHECK_FALSE(address_version(text));
}
