// `[relay.NAME]` with destination = "https:…".
#include "config/read_https.h"

#include <string>
#include <vector>

#include "catch.h"
#include "config/check_chains.h"
#include "config/nexthop.h"
#include "unit/config/read_text.h"

using namespace relaypipe;

namespace {

using test::good;
using test::no_port;
using test::read;

std::string relay(const std::string& lines, const std::string& destination = "https:") {
  return test::relay(lines, destination);
}

const std::string kSes = "provider = \"ses\"\nregion = \"eu-west-1\"\n";
const std::string kFile = "password_file = \"/s\"\n";

}  // namespace

TEST_CASE("the provider, the region and the host complete one another", "[https]") {
  const RelayConfig named = good(relay(kSes + kFile));
  CHECK(named.destination.host == "email.eu-west-1.amazonaws.com");
  CHECK(named.destination.text == "https:email.eu-west-1.amazonaws.com");
  CHECK(named.destination.port == 443);
  CHECK(named.account.key_pair);
  const RelayConfig hosted = good(relay("username = \"AKIA\"\n" + kFile, "https:email.us-east-2.amazonaws.com"));
  CHECK(hosted.provider == "ses");
  CHECK(hosted.https.region == "us-east-2");
  CHECK_FALSE(hosted.account.key_pair);
  const RelayConfig mailgun = good(relay("domain = \"mg.example.com\"\n" + kFile, "https:api.eu.mailgun.net"));
  CHECK(mailgun.provider == "mailgun");
  CHECK(mailgun.account.username == "api");
  const RelayConfig graph =
      good(relay("provider = \"graph\"\nmailbox = \"a@b.example\"\noauth2 = { grant = \"client_credentials\", "
                 "token_endpoint = \"https://t.example/token\", client_id = \"c\", client_secret_file = \"/s\" }"));
  CHECK(graph.account.username == "a@b.example");
  CHECK(graph.account.oauth2->scope == "https://graph.microsoft.com/.default");
}

TEST_CASE("the certificate is verified whatever is written elsewhere", "[https]") {
  CHECK(good("[defaults]\ntls = \"none\"\n" + relay(kSes + kFile)).settings.tls == TlsLevel::Verify);
  CHECK(good(relay(kSes + kFile), {"tls=none"}).settings.tls == TlsLevel::Verify);
  CHECK(good(relay(kSes + kFile + "tls = \"verify\"")).settings.tls == TlsLevel::Verify);
}

TEST_CASE("what an interface takes is known before the message is", "[https]") {
  CHECK(good(relay(kSes + kFile)).max_size == 30U << 20U);
  CHECK(good(relay(kSes + kFile + "max_size = 5")).max_size == 5U);
}

TEST_CASE("faults of a relay that speaks HTTPS", "[https]") {
  const auto [lines, destination, error] = GENERATE(table<std::string, std::string, std::string>({
      {kFile, "https:",
       "f:2:15: error: [relay.a] destination: whose interface is at https:? write provider = \"NAME\"; those with one "
       "are gmail, graph, mailgun, ses"},
      {kFile + "provider = \"sendgrid\"", "https:",
       "f:2:15: error: [relay.a] destination: sendgrid has no interface that takes a message as it is (those with one "
       "are gmail, graph, mailgun, ses); write its SMTP host"},
      {kFile + "provider = \"ses\"",
       "https:", "f:2:15: error: [relay.a] destination: ses needs a region; write region = \"eu-west-1\""},
      {kFile + "provider = \"ses\"", "https:api.mailgun.net",
       "f:2:15: error: [relay.a] destination: api.mailgun.net is a host of mailgun, and provider is ses"},
      {kFile + "provider = \"mailgun\"\ndomain = \"a.example\"\nregion = \"eu\"",
       "https:", "f:6:1: error: [relay.a] region: means nothing to mailgun; leave it out"},
      {kSes + kFile + "tls = \"may\"", "https:",
       "f:6:7: error: [relay.a] tls: over HTTPS the certificate is always verified; leave tls out, or write tls = "
       "\"verify\""},
      {kSes + kFile + "srv = true",
       "https:", "f:6:1: error: [relay.a] srv: speaks of SMTP, and this relay of HTTPS; leave it out"},
      {kSes,
       "https:", "f:2:15: error: [relay.a] destination: ses needs an account; write password_file or password_command"},
      {"provider = \"gmail\"\n" + kFile, "https:",
       "f:4:1: error: [relay.a] password_file: gmail takes no password over HTTPS; write [relay.NAME.oauth2]"},
      {"provider = \"gmail\"",
       "https:", "f:2:15: error: [relay.a] destination: gmail needs a token; write [relay.NAME.oauth2]"},
      {kSes + "oauth2 = { token_file = \"/t\" }",
       "https:", "f:5:1: error: [relay.a] oauth2: ses takes no OAuth2 token; write username and password_file"},
      {"region = \"eu/west\"\n" + kFile, "https:email.a.amazonaws.com",
       "f:3:10: error: [relay.a] region: \"eu/west\" is not a valid region; write a value such as \"eu-west-1\""},
      {"region = \"eu-west-1\"", "[mail.example.com]:587",
       "f:3:1: error: [relay.a] region: is for a provider's HTTPS interface; write destination = \"https:\", or leave "
       "it "
       "out"},
  }));
  CAPTURE(lines);
  CHECK(read(relay(lines, destination)).text.starts_with(error + "\n"));
}

TEST_CASE("https: in a list has no account", "[https]") {
  const std::string problem(https_in_list_problem());
  CHECK(read("[chain.c]\ntiers = [[\"https:api.mailgun.net\"]]\n").text ==
        "f:2:11: error: [chain.c] tiers: " + problem + "\n");
  const auto found = find_nexthop(Configuration(), "https:api.mailgun.net", no_port);
  REQUIRE_FALSE(found);
  CHECK(found.error() == problem);
}

TEST_CASE("a chain of interfaces that send only as somebody takes no bounces", "[https]") {
  std::vector<ConfigProblem> problems;
  auto document =
      parse_document(relay("provider = \"gmail\"\noauth2 = { token_file = \"/t\" }") + "[chain.c]\ntiers = [[\"a\"]]\n",
                     "f", problems);
  REQUIRE(document);
  read_configuration({*document}, no_port, {}, problems);
  REQUIRE(problems.size() == 1);
  CHECK(problems.front().text.find("bounces, mail of the sender <>, wait for ever") != std::string::npos);
}

TEST_CASE("relays that write to whom the header names, and chains that have no others", "[https]") {
  const std::string gmail = relay("provider = \"gmail\"\noauth2 = { token_file = \"/t\" }");
  const auto found = [](const std::string& file) { return find_header_relays(read(file).configuration); };
  const auto of = [&](const std::string& chain) { return found(gmail + "[chain.c]\n" + chain); };
  const HeaderRelays none = found(relay(kSes + kFile) + "[chain.c]\ntiers = [[\"a\"]]\n");
  CHECK((!none.any && none.chain.empty()));
  const HeaderRelays alone = of("tiers = [[\"a\"]]\n");
  CHECK((alone.any && alone.chain == "c"));
  for (const std::string beside : {"tiers = [[\"a\", \"[b.example]\"]]\n", "tiers = [[\"a\"], [\"[b.example]\"]]\n",
                                   "tiers = [[\"a\"]]\nfallback = [\"b.example\"]\n"}) {
    const HeaderRelays mixed = of(beside);
    CHECK((mixed.any && mixed.chain.empty()));
  }
}
