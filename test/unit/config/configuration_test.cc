#include "config/configuration.h"

#include <string>
#include <vector>

#include "catch.h"
#include "config/document_reader.h"
#include "io/toml_document.h"

using namespace relaypipe;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::string>;

struct Read {
  Configuration configuration;
  std::vector<ConfigProblem> problems;
  std::string text;  ///< the problems as a person sees them, a line each
};

std::optional<std::uint16_t> port_of(std::string_view name) {
  if (name == "submission") return std::uint16_t{587};
  return std::nullopt;
}

/// Reads files `1`, `2` ... as one configuration.
Read read_all(const Words& files, const Words& overrides = {}) {
  Read read;
  std::vector<Document> documents;
  for (const std::string& file : files) {
    auto document = parse_document(file, std::to_string(documents.size() + 1), read.problems);
    INFO(file);
    REQUIRE(document);
    documents.push_back(*std::move(document));
  }
  read.configuration = read_configuration(documents, port_of, overrides, read.problems);
  for (const ConfigProblem& problem : read.problems) {
    read.text += problem.line() + "\n";
  }
  return read;
}

Configuration good(const std::string& file, const Words& overrides = {}) {
  const Read read = read_all({file}, overrides);
  CHECK(read.text.empty());
  return read.configuration;
}

/// A relay `a` of that content, in a chain.
std::string relay(const std::string& lines) { return "[chain.c]\ntiers = [[\"a\"]]\n[relay.a]\n" + lines + "\n"; }

/// The problems of a file with two good relays, `a` and `b.1`, before the lines in question; those are line 5 on.
std::string chain_problems(const std::string& lines) {
  return read_all({"[relay.a]\ndestination = \"[a]:25\"\n[relay.\"b.1\"]\ndestination = \"[b]:25\"\n" + lines}).text;
}

const std::string kWhole = "destination = \"[mail.example.com]:587\"\n";

}  // namespace

TEST_CASE("without a file the defaults serve", "[configuration]") {
  const Read read = read_all({});
  CHECK(read.text.empty());
  CHECK(read.configuration.run.deadline == 15min);
  CHECK(read.configuration.relays.empty());
  CHECK(read.configuration.chain("outbound") == nullptr);
  CHECK(read.configuration.relay("a") == nullptr);
  CHECK(good("").chains.empty());
}

TEST_CASE("a relay has the defaults of the file, then its own settings", "[configuration]") {
  const auto configuration =
      good("deadline = \"5m\"\n[defaults]\ntls = \"encrypt\"\nmail_timeout = \"9s\"\n" +
           relay("destination = \"mail.example.com:submission\"\ntls = \"verify\"\nweight = 0\nmax_size = \"25M\"\n"
                 "senders = [\"@example.com\", \"<>\"]\nrecipients = [\"@.example.org\"]"));
  const RelayConfig* const a = configuration.relay("a");
  REQUIRE(a != nullptr);
  CHECK(a->name == "a");
  CHECK(a->at.line == 7);
  CHECK(a->at.column == 8);
  CHECK(a->destination.host == "mail.example.com");
  CHECK(a->destination.port == 587);
  CHECK(a->settings.tls == TlsLevel::Verify);
  CHECK(a->settings.limits.mail == 9s);
  CHECK(configuration.run.deadline == 5min);
  CHECK(a->weight == 0);
  CHECK(a->max_size == 25U << 20);
  REQUIRE(a->senders.size() == 2);
  CHECK(a->senders[1].matches(""));
  REQUIRE(a->recipients.size() == 1);
  CHECK(a->recipients[0].text() == "@.example.org");
  CHECK(configuration.relay_defaults.tls == TlsLevel::Encrypt);
  CHECK(configuration.relay_defaults.limits.mail == 9s);
}

TEST_CASE("patience is the whole file's, that of all relays, or one relay's own", "[configuration]") {
  CHECK(good("patience = \"3s\"\n" + relay(kWhole)).relay("a")->settings.patience == 3s);
  CHECK(good("[defaults]\npatience = \"3s\"\n" + relay(kWhole)).relay("a")->settings.patience == 3s);
  const auto own = good("patience = \"3s\"\n" + relay(kWhole + "patience = \"8s\""));
  CHECK(own.relay("a")->settings.patience == 8s);
  CHECK(own.relay_defaults.patience == 3s);
  const std::string twice = read_all({"patience = \"3s\"\n[defaults]\npatience = \"4s\""}).text;
  CHECK(twice.find("patience: is set already in 1:1:1") != std::string::npos);
}

TEST_CASE("settings take the types of TOML", "[configuration]") {
  const auto configuration = good(R"(
max_sessions = 5
line_length_limit = "0"
spool_memory = 1048577
size_tolerance = "1k"
dns_servers = ["192.0.2.1", "[2001:db8::1]:5353"]
own_addresses = "192.0.2.7, 192.0.2.8"
proxy_addresses = []
[defaults]
srv = true
ip = 4
hostname = "mail.example.com"
bind_address = ["192.0.2.1"]
mx_address_limit = 0
)");
  const RunSettings& run = configuration.run;
  CHECK(run.max_sessions == 5);
  CHECK(run.line_length_limit == 0);
  CHECK(run.spool_memory == 1048577);
  CHECK(run.size_tolerance == 1024);
  CHECK(run.dns_servers == Words{"192.0.2.1", "[2001:db8::1]:5353"});
  CHECK(run.own_addresses == Words{"192.0.2.7", "192.0.2.8"});
  CHECK(run.proxy_addresses.empty());
  const RelaySettings& defaults = configuration.relay_defaults;
  CHECK(defaults.srv);
  CHECK(defaults.ip == IpVersion::V4);
  CHECK(defaults.hostname == "mail.example.com");
  CHECK(defaults.bind_address == Words{"192.0.2.1"});
  CHECK(defaults.mx_address_limit == 0);
}

TEST_CASE("a chain is read as it stands", "[configuration]") {
  const auto configuration = good(R"(
[relay.a]
destination = "[a]"
[relay."b.1"]
destination = "[b]"
[chain.out-bound_1]
tiers = [["a", "[other.example]:26"], ["b.1"]]
fallback = ["domain.example"]
balance = "sender"
by_sender = { "@example.org" = "org", "<>" = "[192.0.2.1]:25, [192.0.2.2]:25", "a@b.example" = "localhost:2525" }
by_recipient = { "User@example.org" = "org" }
policy = "unix:/run/choice.sock"
[chain.org]
tiers = [["a"]]
policy = "inet:[::1]:10040"
)");
  const ChainConfig* const chain = configuration.chain("out-bound_1");
  REQUIRE(chain != nullptr);
  CHECK(chain->name == "out-bound_1");
  CHECK(chain->at.line == 6);
  CHECK(chain->tiers == std::vector<Words>{{"a", "[other.example]:26"}, {"b.1"}});
  CHECK(chain->fallback == Words{"domain.example"});
  CHECK(chain->balance == Balance::Sender);
  REQUIRE(chain->by_sender.size() == 3);
  CHECK(chain->by_sender[0].pattern.text() == "@example.org");
  CHECK(chain->by_sender[0].nexthop == "org");
  CHECK(chain->by_sender[1].nexthop == "[192.0.2.1]:25, [192.0.2.2]:25");
  CHECK(chain->by_sender[2].at.line == 10);
  REQUIRE(chain->by_recipient.size() == 1);
  CHECK(chain->by_recipient[0].pattern.matches("user@example.org"));
  CHECK(chain->policy == "unix:/run/choice.sock");
  CHECK(configuration.chain("org")->balance == Balance::Weight);
}

TEST_CASE("the command line wins everywhere", "[configuration]") {
  const auto configuration = good("deadline = \"5m\"\n" + relay(kWhole + "tls = \"verify\"\nrcpt_timeout = \"1m\""),
                                  {"tls=may", "deadline=1m", "rcpt_timeout=2s"});
  CHECK(configuration.run.deadline == 1min);
  CHECK(configuration.relay_defaults.tls == TlsLevel::May);
  CHECK(configuration.relay("a")->settings.tls == TlsLevel::May);
  CHECK(configuration.relay("a")->settings.limits.rcpt == 2s);
}

TEST_CASE("what is wrong on the command line is told once", "[configuration]") {
  CHECK(read_all({relay(kWhole)}, {"tls=x", "colour=red"}).text ==
        "command line: error: -o tls=x: \"x\" is not allowed; write none, may, encrypt or verify\n"
        "command line: error: -o colour=...: unknown setting; --help lists all\n");
  CHECK(read_all({"[defaults]\nip = 4"}, {"bind_address=::1"}).text ==
        "command line: error: -o bind_address: ::1 is an IPv6 address, but ip excludes those\n");
}

TEST_CASE("TLS from the first octet is at least encrypt", "[configuration]") {
  const std::string smtps = "destination = \"smtps:[mail.example.com]\"\n";
  const auto level = [](const std::string& file, const Words& overrides = {}) {
    return good(file, overrides).relay("a")->settings.tls;
  };
  CHECK(level(relay(smtps)) == TlsLevel::Encrypt);
  CHECK(level("[defaults]\ntls = \"none\"\n" + relay(smtps)) == TlsLevel::Encrypt);
  CHECK(level(relay("destination = \"[a]:465\"")) == TlsLevel::Encrypt);
  CHECK(level(relay(smtps + "tls = \"verify\"")) == TlsLevel::Verify);
  CHECK(level(relay(smtps), {"tls=none"}) == TlsLevel::Encrypt);
  CHECK(level(relay("destination = \"smtp:[a]:465\"\ntls = \"may\"")) == TlsLevel::May);
}

TEST_CASE("several files are one configuration", "[configuration]") {
  const Read read =
      read_all({"include = \"conf.d/*.toml\"\n[chain.c]\ntiers = [[\"a\", \"b\"]]\n",
                "deadline = \"1m\"\n[relay.a]\n" + kWhole, "[defaults]\ntls = \"none\"\n[relay.b]\n" + kWhole});
  CHECK(read.text.empty());
  CHECK(read.configuration.run.deadline == 1min);
  CHECK(read.configuration.relay("a")->settings.tls == TlsLevel::None);
  CHECK(read.configuration.relay("b")->at.file == "3");
}

TEST_CASE("what is written in two files is a problem of the second", "[configuration]") {
  const Read read =
      read_all({"deadline = \"1m\"\n[relay.a]\n" + kWhole + "[chain.c]\ntiers = [[\"a\"]]\n[defaults]\nsrv = false\n",
                "deadline = \"1m\"\ninclude = \"x\"\n[relay.a]\n" + kWhole +
                    "[chain.c]\ntiers = [[\"a\"]]\n[defaults]\n"
                    "srv = true"});
  CHECK(read.text ==
        "2:1:1: error: deadline: is set already in 1:1:1\n"
        "2:2:1: error: include: an included file cannot include others\n"
        "2:3:8: error: [relay.a]: there is one already in 1:2:8\n"
        "2:5:8: error: [chain.c]: there is one already in 1:4:8\n"
        "2:8:1: error: [defaults] srv: is set already in 1:7:1\n");
}

TEST_CASE("keys that are unknown or in the wrong place", "[configuration]") {
  const std::string top = " does not belong here; write it at the top of the file, before the first [section]\n";
  const std::string relays = " does not belong here; write it in [defaults] or [relay.NAME]\n";
  const auto [file, problems] = GENERATE_COPY(table<std::string, std::string>({
      {"deadlin = 1", "1:1:1: error: deadlin: unknown key; did you mean deadline?\n"},
      {"relays = 1", "1:1:1: error: relays: unknown key; did you mean relay?\n"},
      {"colour = 1", "1:1:1: error: colour: unknown key; relaypipe.toml(5) lists the keys\n"},
      {"tls = \"may\"", "1:1:1: error: tls:" + relays},
      {"weight = 1", "1:1:1: error: weight: does not belong here; write it in [relay.NAME]\n"},
      {"tiers = []", "1:1:1: error: tiers: does not belong here; write it in [chain.NAME]\n"},
      {"[defaults]\ndeadline = \"1m\"", "1:2:1: error: [defaults] deadline:" + top},
      {"[defaults]\nconect_timeout = \"1m\"",
       "1:2:1: error: [defaults] conect_timeout: unknown key; did you mean connect_timeout?\n"},
      {"[defaults]\ninclude = \"x\"", "1:2:1: error: [defaults] include:" + top},
      {relay(kWhole + "max_sessions = 1"), "1:5:1: error: [relay.a] max_sessions:" + top},
      {relay(kWhole + "wieght = 1"), "1:5:1: error: [relay.a] wieght: unknown key; did you mean weight?\n"},
      {relay(kWhole + "fallback = []"),
       "1:5:1: error: [relay.a] fallback: does not belong here; write it in [chain.NAME]\n"},
      {relay(kWhole + "authenticate = \"x\""),
       "1:5:1: error: [relay.a] authenticate: unknown key; relaypipe.toml(5) lists the keys\n"},
      {relay(kWhole + "\"a\\nb\" = 1"), "1:5:1: error: [relay.a] a b: unknown key; relaypipe.toml(5) lists the keys\n"},
      {relay(kWhole + "x = {}"),
       "1:5:1: error: [relay.a] x: there are no tables in here; write a name with a dot in quotes: [relay.\"a.b\"]\n"},
      {"[chain.c]\ntiers = [[\"[a]\"]]\nfallbck = []",
       "1:3:1: error: [chain.c] fallbck: unknown key; did you mean fallback?\n"},
      {"[chain.c]\ntiers = [[\"[a]\"]]\nxyz = 1",
       "1:3:1: error: [chain.c] xyz: unknown key; allowed are tiers, fallback, balance, by_sender, by_recipient, "
       "policy\n"},
      {"[chain.c]\ntiers = [[\"[a]\"]]\ntls = \"may\"", "1:3:1: error: [chain.c] tls:" + relays},
      {"[defaults]\nx.y = 1", "1:2:1: error: [defaults] x: unknown key; relaypipe.toml(5) lists the keys\n"},
  }));
  CHECK(read_all({file}).text == problems);
}

TEST_CASE("values of a type that the key does not take", "[configuration]") {
  const auto [file, problems] = GENERATE(table<std::string, std::string>({
      {"include = 1",
       "1:1:11: error: include: this is a number; write a pattern of files such as include = "
       "\"conf.d/*.toml\"\n"},
      {"defaults = 1", "1:1:12: error: defaults: this is a number; write [defaults]\n"},
      {"relay = \"x\"", "1:1:9: error: relay: this is a string; write [relay.NAME]\n"},
      {"[[relay]]\nname = \"x\"", "1:1:1: error: relay: this is an array; write [relay.NAME]\n"},
      {"[relay]\nx = 1", "1:2:5: error: [relay.x] relay: this is a number; write [relay.NAME]\n"},
      {"[chain]\nx = true", "1:2:5: error: [chain.x] chain: this is true; write [chain.NAME]\n"},
      {"patience = 1.5",
       "1:1:12: error: patience: this is a number with a fraction; allowed: duration such as 30s or "
       "2m\n"},
      {"patience = 2",
       "1:1:12: error: patience: \"2\" has no unit; write a duration such as 30s or 2m (units ms, s, m, "
       "h, d)\n"},
      {"patience = [\"2s\"]", "1:1:12: error: patience: this is an array; allowed: duration such as 30s or 2m\n"},
      {"deadline = false", "1:1:12: error: deadline: this is false; allowed: duration such as 30s or 2m\n"},
      {"max_sessions = {}", "1:1:16: error: max_sessions: this is a table; allowed: whole number\n"},
      {"max_sessions = -1",
       "1:1:16: error: max_sessions: \"-1\" is not a whole number; write a whole number from 1 to "
       "100\n"},
      {"syslog_ident = 5", "1:1:16: error: syslog_ident: this is a number; allowed: word without blanks\n"},
      {"own_addresses = [\"::1\", 5]",
       "1:1:17: error: own_addresses: the array holds something that is not a string; put quotes around it\n"},
      {"own_addresses = [\"::1\", \"x\"]",
       "1:1:17: error: own_addresses: \"x\" is not a valid IP address; write 192.0.2.1 or 2001:db8::1\n"},
      {"[defaults]\nhostname = true",
       "1:2:12: error: [defaults] hostname: this is true; allowed: host name or "
       "[address]\n"},
      {"[defaults]\nsrv = 1", "1:2:7: error: [defaults] srv: this is a number; allowed: yes or no\n"},
      {"[defaults]\ntls = \"secure\"",
       "1:2:7: error: [defaults] tls: \"secure\" is not allowed; write none, may, encrypt or verify\n"},
      {"deadline = 2024-01-01", "1:1:12: error: nothing here is a date or a time; write a string in quotes\n"},
      {"[defaults]\nip = 4\nbind_address = \"::1\"",
       "1:3:1: error: bind_address: ::1 is an IPv6 address, but ip excludes those\n"},
  }));
  CHECK(read_all({file}).text == problems);
}

TEST_CASE("what is wrong with a relay", "[configuration]") {
  const std::string forms = "; write user@domain, @domain, @.domain or <>\n";
  const auto [lines, problem] = GENERATE_COPY(table<std::string, std::string>({
      {"", "3:8: error: [relay.a]: there is no destination; write destination = \"[mail.example.com]:587\"\n"},
      {"destination = 5",
       "4:15: error: [relay.a] destination: this is a number; write a destination such as "
       "\"[mail.example.com]:587\"\n"},
      {"destination = \"\"",
       "4:15: error: [relay.a] destination: the list of destinations is empty; write for example "
       "[mail1.example.com]:587,[mail2.example.com]:587\n"},
      {"destination = \"[a:25\"", "4:15: error: [relay.a] destination: \"[a:25\": \"]\" is missing; write [a]:25\n"},
      {"destination = \"[a]:587, [b]:587\"",
       "4:15: error: [relay.a] destination: these are 2 destinations and a relay has one; write a [relay.NAME] for "
       "each "
       "and list the names in the tiers of a chain\n"},
      {kWhole + "weight = 1001",
       "5:10: error: [relay.a] weight: \"1001\" is out of range; write a whole number from 0 to 1000\n"},
      {kWhole + "weight = \"x\"",
       "5:10: error: [relay.a] weight: \"x\" is not a whole number; write a whole number from 0 to 1000\n"},
      {kWhole + "weight = [1]",
       "5:10: error: [relay.a] weight: this is an array; write a whole number from 0 to 1000\n"},
      {kWhole + "max_size = 0",
       "5:12: error: [relay.a] max_size: 0 would refuse every message; leave the key out for no limit\n"},
      {kWhole + "max_size = \"25MB\"",
       "5:12: error: [relay.a] max_size: \"25MB\" has the unknown unit \"MB\"; write a number of octets such as "
       "1048576, "
       "512k, 10M or 2G\n"},
      {kWhole + "max_size = 1.5",
       "5:12: error: [relay.a] max_size: this is a number with a fraction; write a number of octets such as 1048576 or "
       "\"25M\"\n"},
      {kWhole + "senders = \"@example.com\"",
       "5:11: error: [relay.a] senders: this is a string; write an array of patterns such as [\"@example.com\", "
       "\"<>\"]\n"},
      {kWhole + "senders = []",
       "5:11: error: [relay.a] senders: the array is empty; leave the key out to allow all addresses\n"},
      {kWhole + "recipients = [\"example.com\", 5]",
       "5:15: error: [relay.a] recipients: \"example.com\" is not a valid address pattern: \"@\" is missing" + forms +
           "1:5:30: error: [relay.a] recipients: this is a number; write an array of patterns such as "
           "[\"@example.com\", \"<>\"]\n"},
      {"destination = \"[mail.example.com]:465\"\ntls = \"may\"",
       "5:7: error: [relay.a] tls: [mail.example.com]:465 is TLS from the first octet; write tls = \"encrypt\" or "
       "\"verify\", or smtp:[host]:465 in the destination for STARTTLS on that port\n"},
      {"tls = \"NONE\"\ndestination = \"smtps:mail.example.com:25\"",
       "4:7: error: [relay.a] tls: smtps:mail.example.com:25 is TLS from the first octet; write tls = \"encrypt\" or "
       "\"verify\", or smtp:[host]:25 in the destination for STARTTLS on that port\n"},
      {"tls = \"x\"\ndestination = \"smtps:[a]\"",
       "4:7: error: [relay.a] tls: \"x\" is not allowed; write none, may, encrypt or verify\n"},
      {kWhole + "ip = 4\nbind_address = [\"::1\"]",
       "6:16: error: [relay.a] bind_address: ::1 is an IPv6 address, but ip excludes those\n"},
  }));
  INFO(lines);
  CHECK(read_all({relay(lines)}).text == "1:" + problem);
}

TEST_CASE("a relay that inherits a contradiction is not blamed for it", "[configuration]") {
  const std::string defaults = "[defaults]\nbind_address = [\"192.0.2.1\", \"192.0.2.2\"]\n";
  CHECK(read_all({defaults + relay(kWhole + "ip = 4")}).text ==
        "1:2:1: error: bind_address: 192.0.2.1 and 192.0.2.2 are IPv4 addresses; write at most one per IP version\n");
}

TEST_CASE("names of relays and chains", "[configuration]") {
  const std::string rule = "; a name has letters, digits, \"-\", \"_\" and \".\"\n";
  const auto [name, problem] = GENERATE_COPY(table<std::string, std::string>({
      {"\"\"", "]: the name is empty" + rule},
      {"\"a:25\"", "a:25]: the name looks like a destination" + rule},
      {"\"[a]\"", "[a]]: the name looks like a destination" + rule},
      {"\"a b\"", "a b]: the name looks like a destination" + rule},
      {"\"192.0.2.1\"", "192.0.2.1]: the name looks like a destination" + rule},
      {"\"a/b\"", "a/b]: \"/\" cannot be in a name" + rule},
      {"\"b\xC3\xBC\"", "b\xC3\xBC]: \"?\" cannot be in a name" + rule},
      {"\"\\u0001\"", "?]: \"?\" cannot be in a name" + rule},
  }));
  INFO(name);
  CHECK(read_all({"[relay." + name + "]\n" + kWhole}).text == "1:1:8: error: [relay." + problem);
  CHECK(read_all({"[chain." + name + "]\ntiers = [[\"[a]\"]]"}).text == "1:1:8: error: [chain." + problem);
}

TEST_CASE("a chain is not named like a domain", "[configuration]") {
  CHECK(read_all({"[chain.\"example.com\"]\ntiers = [[\"[a]\"]]"}).text ==
        "1:1:8: error: [chain.example.com]: the name would hide the domain of that name in a nexthop; leave the dot "
        "out\n");
}

TEST_CASE("a chain and a relay may have one name", "[configuration]") {
  CHECK(good("[relay.a]\n" + kWhole + "[chain.a]\ntiers = [[\"a\"]]").chain("a")->tiers[0] == Words{"a"});
}

TEST_CASE("what is wrong with tiers and fallback", "[configuration]") {
  const std::string form = "; write an array of arrays of relays such as tiers = [[\"a\", \"b\"], [\"c\"]]\n";
  const std::string known = "; write the name of a [relay.NAME] or a destination such as [mail.example.com]:587\n";
  const auto [lines, problem] = GENERATE_COPY(table<std::string, std::string>({
      {"",
       "5:8: error: [chain.c]: there are no tiers; write tiers = [[\"a\", \"b\"], [\"c\"]] with the names of relays\n"},
      {"tiers = []", "6:9: error: [chain.c] tiers: the array is empty" + form},
      {"tiers = \"a\"", "6:9: error: [chain.c] tiers: this is a string" + form},
      {"tiers = [\"a\", \"b.1\"]",
       "6:10: error: [chain.c] tiers: every tier is an array of its own; write tiers = [[\"a\"], [\"b.1\"]]\n"},
      {"tiers = [[\"a\"], \"b.1\"]", "6:17: error: [chain.c] tiers: every tier is an array of its own" + form},
      {"tiers = [\"1\", \"2\", \"3\", \"4\", \"5\"]",
       "6:10: error: [chain.c] tiers: every tier is an array of its own; write tiers = [[\"1\"], [\"2\"], [\"3\"], "
       "[\"4\"], ...]\n"},
      {"tiers = [[\"a\", \"b.1\"], []]",
       "6:24: error: [chain.c] tiers: tier 2 is empty; write the names of its relays\n"},
      {"tiers = [[\"a\", 5]]", "6:16: error: [chain.c] tiers: this is a number" + form},
      {"tiers = [[\"A\"]]", "6:11: error: [chain.c] tiers: there is no relay \"A\"; did you mean a?\n"},
      {"tiers = [[\"unknown\"]]", "6:11: error: [chain.c] tiers: there is no relay \"unknown\"" + known},
      {"tiers = [[\"\"]]", "6:11: error: [chain.c] tiers: there is no relay \"\"" + known},
      {"tiers = [[\"[b:25\"]]", "6:11: error: [chain.c] tiers: \"[b:25\": \"]\" is missing; write [b]:25\n"},
      {"tiers = [[\"[b]:25, [c]:25\"]]",
       "6:11: error: [chain.c] tiers: \"[b]:25, [c]:25\" is 2 destinations; write each in quotes of its own\n"},
      {"tiers = [[\"a\"], [\"b.1\", \"a\"]]",
       "6:25: error: [chain.c] tiers: \"a\" is in tier 2 and at line 6, column 11 already in tier 1; a relay has one "
       "place in a chain\n"},
      {"tiers = [[\"a\"]]\nfallback = [\"b.1\", \"a\"]",
       "7:20: error: [chain.c] fallback: \"a\" is in fallback and at line 6, column 11 already in tier 1; a relay has "
       "one "
       "place in a chain\n"},
      {"fallback = [\"b.1\"]\ntiers = [[\"a\", \"b.1\"]]",
       "7:16: error: [chain.c] tiers: \"b.1\" is in tier 1 and at line 6, column 13 already in fallback; a relay has "
       "one "
       "place in a chain\n"},
      {"tiers = [[\"[x]:1\"], [\"[x]:1\"]]",
       "6:22: error: [chain.c] tiers: \"[x]:1\" is in tier 2 and at line 6, column 11 already in tier 1; a relay has "
       "one "
       "place in a chain\n"},
      {"tiers = [[\"a\"]]\nfallback = \"b.1\"",
       "7:12: error: [chain.c] fallback: this is a string; write an array of relays such as fallback = "
       "[\"lastresort\"]\n"},
      {"tiers = [[\"a\"]]\nfallback = [[\"b.1\"]]",
       "7:13: error: [chain.c] fallback: this is an array; write an array of relays such as fallback = "
       "[\"lastresort\"]\n"},
  }));
  INFO(lines);
  CHECK(chain_problems("[chain.c]\n" + lines) == "1:" + problem);
}

TEST_CASE("what is wrong with the other keys of a chain", "[configuration]") {
  const std::string rules = "; write a table of patterns such as { \"@example.org\" = \"other-chain\" }\n";
  const std::string pair = "; write \"PATTERN\" = \"CHAIN\" or \"PATTERN\" = \"DESTINATIONS\", both in quotes\n";
  const std::string policy = " is not a valid policy server; write unix:/absolute/path or inet:ADDRESS:PORT\n";
  const auto [line, problem] = GENERATE_COPY(table<std::string, std::string>({
      {"balance = \"wieght\"",
       "7:11: error: [chain.c] balance: \"wieght\" is not allowed; write \"weight\" or \"sender\"\n"},
      {"balance = true", "7:11: error: [chain.c] balance: this is true; write \"weight\" or \"sender\"\n"},
      {"by_sender = [\"x\"]", "7:13: error: [chain.c] by_sender: this is an array" + rules},
      {"by_sender = { \"@a.example\" = [\"[x]\"] }", "7:30: error: [chain.c] by_sender: this is an array" + pair},
      {"by_sender = { a.example = \"c\" }", "7:15: error: [chain.c] by_sender: this is a table" + pair},
      {"by_sender = { \"a.example\" = \"[x]\" }",
       "7:15: error: [chain.c] by_sender: \"a.example\" is not a valid address pattern: \"@\" is missing; write "
       "user@domain, "
       "@domain, @.domain or <>\n"},
      {"by_recipient = { \"@a.example\" = \"[x]\", \"@A.example\" = \"[y]\" }",
       "7:40: error: [chain.c] by_recipient: \"@A.example\" is there already in other letter case\n"},
      {"by_recipient = { \"@a.example\" = \"cc\" }",
       "7:33: error: [chain.c] by_recipient: there is no chain \"cc\"; did you mean c?\n"},
      {"by_recipient = { \"@a.example\" = \"outbound\" }",
       "7:33: error: [chain.c] by_recipient: there is no chain \"outbound\"; write the name of a [chain.NAME] or "
       "destinations such as [mail.example.com]:587\n"},
      {"by_recipient = { \"@a.example\" = \"[x]:25, [y\" }",
       "7:33: error: [chain.c] by_recipient: destination 2 of 2, \"[y\": \"]\" is missing; write [y]\n"},
      {"policy = 5",
       "7:10: error: [chain.c] policy: this is a number; write unix:/absolute/path or inet:ADDRESS:PORT\n"},
      {"policy = \"unix:run/x\"", "7:10: error: [chain.c] policy: \"unix:run/x\"" + policy},
      {"policy = \"unix:/\"", "7:10: error: [chain.c] policy: \"unix:/\"" + policy},
      {"policy = \"unix:/a\\nb\"", "7:10: error: [chain.c] policy: \"unix:/a b\"" + policy},
      {"policy = \"inet:localhost\"", "7:10: error: [chain.c] policy: \"inet:localhost\"" + policy},
      {"policy = \"inet:p.example.com:1\"", "7:10: error: [chain.c] policy: \"inet:p.example.com:1\"" + policy},
      {"policy = \"inet:localhost:0\"", "7:10: error: [chain.c] policy: \"inet:localhost:0\"" + policy},
      {"policy = \"inet::10040\"", "7:10: error: [chain.c] policy: \"inet::10040\"" + policy},
      {"policy = \"inet:[x]:10040\"", "7:10: error: [chain.c] policy: \"inet:[x]:10040\"" + policy},
      {"policy = \"inet:::1:10040\"", "7:10: error: [chain.c] policy: \"inet:::1:10040\"" + policy},
      {"policy = \"inet:p.example.com:1\"", "7:10: error: [chain.c] policy: \"inet:p.example.com:1\"" + policy},
      {"policy = \"/run/x\"", "7:10: error: [chain.c] policy: \"/run/x\"" + policy},
      {"policy = \"\"", "7:10: error: [chain.c] policy: \"\"" + policy},
  }));
  INFO(line);
  CHECK(chain_problems("[chain.c]\ntiers = [[\"a\", \"b.1\"]]\n" + line) == "1:" + problem);
}

TEST_CASE("policy servers", "[configuration]") {
  const std::string policy = GENERATE(values<std::string>(
      {"unix:/run/a b.sock", "inet:localhost:10040", "inet:127.0.0.1:1", "inet:[::1]:65535", "inet:192.0.2.1:1"}));
  CHECK(good("[chain.c]\ntiers = [[\"[a]\"]]\npolicy = \"" + policy + "\"").chain("c")->policy == policy);
}

TEST_CASE("the program that is told of changes", "[configuration]") {
  CHECK(good("").on_change.empty());
  CHECK(good("on_change = [\"/usr/local/bin/tell\", \"\", \"a b\"]").on_change ==
        Words{"/usr/local/bin/tell", "", "a b"});
  const std::string form = "write a program and its arguments such as [\"/usr/local/bin/tell\", \"admin\"]";
  const std::string absolute = "1:1:13: error: on_change: the first is the absolute path of a program; " + form + "\n";
  for (const char* bad : {"[]", "[\"\"]", "[\"tell\", \"/x\"]", "[\"./tell\"]"}) {
    CAPTURE(bad);
    CHECK(read_all({std::string("on_change = ") + bad}).text == absolute);
  }
  CHECK_THAT(read_all({"on_change = \"/tell\""}).text, Catch::Matchers::ContainsSubstring(form));
}

TEST_CASE("rules that lead in a circle", "[configuration]") {
  const std::string end = "; a rule may only lead to a chain that does not lead back\n";
  const auto chain = [](const std::string& name, const std::string& rules) {
    return "[chain." + name + "]\ntiers = [[\"[x]\"]]\n" + rules + "\n";
  };
  CHECK(read_all({chain("a", "by_sender = { \"@x.example\" = \"a\" }")}).text ==
        "1:3:15: error: [chain.a] the rules lead in a circle: a -> a" + end);
  CHECK(read_all({chain("a", "by_sender = { \"@x.example\" = \"b\" }"),
                  chain("b", "by_recipient = { \"@x.example\" = \"[y]\", \"@y.example\" = \"c\" }"),
                  chain("c", "by_sender = { \"<>\" = \"b\" }")})
            .text == "3:3:15: error: [chain.c] the rules lead in a circle: b -> c -> b" + end);
  CHECK(read_all({chain("a", "by_sender = { \"@x.example\" = \"b\", \"<>\" = \"c\" }"),
                  chain("b", "by_sender = { \"@x.example\" = \"d\" }"),
                  chain("c", "by_sender = { \"@x.example\" = \"d\" }"), chain("d", "")})
            .text.empty());
}

TEST_CASE("a relay that no chain uses is a warning", "[configuration]") {
  const Read read = read_all({relay(kWhole) + "[relay.b]\n" + kWhole});
  CHECK(read.text == "1:6:8: warning: [relay.b]: no chain has it in its tiers or its fallback, so it gets no mail\n");
  CHECK(first_error(read.problems) == nullptr);
  CHECK(read.configuration.relay("b") != nullptr);
}

TEST_CASE("a chain none of whose relays takes bounces is a warning", "[configuration]") {
  const auto relay_of = [](const std::string& name, const std::string& senders) {
    return "[relay." + name + "]\ndestination = \"[" + name + "]\"\n" +
           (senders.empty() ? "" : "senders = [" + senders + "]\n");
  };
  const auto told = [](const std::string& text) { return read_all({text}).text; };
  const std::string chain = "[chain.c]\ntiers = [[\"a\"], [\"b\"]]\n";
  const std::string from = "\"@example.com\"";
  CHECK(told(relay_of("a", from) + relay_of("b", from) + chain) ==
        "1:7:8: warning: [chain.c]: bounces, mail of the sender <>, wait for ever: no relay takes them, because of "
        "its senders or of its interface; write \"<>\" into the senders of one at least\n");
  CHECK(told(relay_of("a", from) + relay_of("b", "") + chain).empty());
  CHECK(told(relay_of("a", from) + relay_of("b", from + ", \"<>\"") + chain).empty());
  // A relay of last resort will do, a relay that is only a destination has no senders, and a rule may lead <>
  // elsewhere.
  CHECK(told(relay_of("a", from) + relay_of("b", from) + chain + "fallback = [\"[z]\"]\n").empty());
  CHECK(told(relay_of("a", from) + relay_of("b", from) + chain + "by_sender = { \"<>\" = \"[z]\" }\n").empty());
  // A chain that is led to by its senders gets no bounces.
  CHECK(told(relay_of("a", from) + relay_of("b", from) + chain +
             "[chain.d]\ntiers = [[\"[x]\"]]\nby_sender = { \"@example.com\" = \"c\" }\n")
            .empty());
}

TEST_CASE("all problems are reported, in the order of the file", "[configuration]") {
  const Read read = read_all(
      {"deadlin = 1\n[chain.c]\ntiers = [[\"provder\"]]\n[relay.provider]\nweight = 5000\n[defaults]\ntls = 5"});
  CHECK(read.text ==
        "1:1:1: error: deadlin: unknown key; did you mean deadline?\n"
        "1:3:11: error: [chain.c] tiers: there is no relay \"provder\"; did you mean provider?\n"
        "1:4:8: error: [relay.provider]: there is no destination; write destination = \"[mail.example.com]:587\"\n"
        "1:5:10: error: [relay.provider] weight: \"5000\" is out of range; write a whole number from 0 to 1000\n"
        "1:7:7: error: [defaults] tls: \"5\" is not allowed; write none, may, encrypt or verify\n");
  REQUIRE(first_error(read.problems) != nullptr);
  CHECK(first_error(read.problems)->at.line == 1);
}

TEST_CASE("every key is known where it belongs", "[configuration]") {
  const auto [kind, before] = GENERATE(table<SectionKind, std::string>({
      {SectionKind::Top, ""},
      {SectionKind::Relay, "[relay.a]\n"},
      {SectionKind::Chain, "[chain.a]\n"},
  }));
  for (const std::string_view key : section_keys(kind)) {
    const std::string text = read_all({before + std::string(key) + " = 1.5"}).text;
    INFO(text);
    CHECK(text.find(std::string(key) + ": this is a number with a fraction") != std::string::npos);
  }
}

TEST_CASE("a problem is one line", "[configuration]") {
  ConfigProblem problem{ConfigProblem::Severity::Warning, {"f", 3, 4}, "text"};
  CHECK(problem.line() == "f:3:4: warning: text");
  problem.at = {"f"};
  CHECK(problem.line() == "f: warning: text");
  problem.at = {};
  CHECK(problem.line() == "warning: text");
}
