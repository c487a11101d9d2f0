#include "catch.h"
#include "route/plan.h"

namespace relaypipe {
namespace {

const ServicePort kNoService = [](std::string_view) { return std::nullopt; };

RelayConfig relay(const std::string& name, std::uint64_t weight = 1) {
  RelayConfig config;
  config.name = name;
  config.destination = parse_nexthop("[" + name + ".example]:587", kNoService)->front();
  config.weight = weight;
  return config;
}

std::vector<AddressPattern> patterns(std::initializer_list<const char*> texts) {
  std::vector<AddressPattern> list;
  for (const char* text : texts)
    list.push_back(*parse_address_pattern(text));
  return list;
}

/// Chains `out` (two tiers and a fallback) and `org` (one relay).
Configuration two_chains() {
  Configuration configuration;
  for (const char* name : {"ses", "mailgun", "gateway", "last"})
    configuration.relays.emplace(name, relay(name));
  ChainConfig out;
  out.name = "out";
  out.tiers = {{"ses", "mailgun"}, {"gateway", "[written.example]:25"}};
  out.fallback = {"last"};
  ChainConfig org;
  org.name = "org";
  org.tiers = {{"gateway"}};
  configuration.chains.emplace("out", out);
  configuration.chains.emplace("org", org);
  return configuration;
}

Envelope mail(const std::string& from, std::initializer_list<const char*> to) {
  Envelope envelope;
  envelope.sender = *parse_sender(from);
  for (const char* text : to)
    envelope.recipients.push_back(*parse_address(text));
  return envelope;
}

std::vector<std::string> names(const RoutePlan& plan) {
  std::vector<std::string> list;
  for (const Leg& leg : plan.legs)
    list.push_back(leg.relay.name);
  return list;
}

RoutePlan planned(const Configuration& configuration, const Envelope& envelope, std::uint64_t seed = 1) {
  auto plan = plan_route(configuration, "out", envelope, kNoService, Random(seed));
  REQUIRE(plan);
  return *plan;
}

TEST_CASE("tiers keep their order, and the fallback comes last") {
  const Configuration configuration = two_chains();
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const RoutePlan plan = planned(configuration, mail("a@example.com", {"b@example.net"}), seed);
    REQUIRE(plan.legs.size() == 5);
    CHECK(plan.chain == "out");
    for (std::size_t i = 0; i < 5; ++i) {
      CHECK(plan.legs[i].tier == (i < 2 ? 1 : i < 4 ? 2 : 3));
      CHECK(plan.legs[i].fallback == (i == 4));
      CHECK_FALSE(plan.legs[i].relay.recipient_domain);
    }
    CHECK(plan.legs[4].relay.name == "last");
  }
}

TEST_CASE("a relay that may not carry the message is left out, with the reason") {
  Configuration configuration = two_chains();
  configuration.relays.at("ses").senders = patterns({"@example.com", "<>"});
  configuration.relays.at("mailgun").recipients = patterns({"@.example.net"});
  configuration.relays.at("gateway").max_size = 1000;
  Envelope envelope = mail("a@example.org", {"b@example.net"});
  envelope.announced_size = 1001;
  const RoutePlan plan = planned(configuration, envelope);
  CHECK(names(plan) == std::vector<std::string>{"[written.example]:25", "last"});
  REQUIRE(plan.skipped.size() == 3);
  CHECK(plan.skipped[2].relay == "gateway");
  CHECK(plan.skipped[2].reason == "message of 1001 octets exceeds its max_size of 1000");
}

TEST_CASE("the null sender is a sender too") {
  Configuration configuration = two_chains();
  configuration.relays.at("ses").senders = patterns({"@example.com"});
  configuration.relays.at("mailgun").senders = patterns({"<>"});
  const RoutePlan plan = planned(configuration, mail("", {"b@example.net"}));
  CHECK(plan.legs.front().relay.name == "mailgun");
  CHECK(plan.skipped.front().reason == "may not carry the sender <>");
}

TEST_CASE("nothing left is an error that says why") {
  Configuration configuration = two_chains();
  configuration.relays.at("gateway").senders = patterns({"@example.com"});
  const auto plan = plan_route(configuration, "org", mail("a@example.org", {"b@example.net"}), kNoService, Random(1));
  REQUIRE_FALSE(plan);
  CHECK(plan.error().text ==
        "no relay of chain org may carry this message; gateway may not carry the sender <a@example.org>");
}

TEST_CASE("a message too large for every relay is refused, as smtp(8) does; for another reason beside it, deferred") {
  Configuration configuration = two_chains();
  configuration.chains.at("org").tiers = {{"gateway"}, {"ses"}};
  configuration.relays.at("gateway").max_size = 1000;
  configuration.relays.at("ses").max_size = 2000;
  Envelope envelope = mail("a@example.org", {"b@example.net"});
  const auto no_plan = [&] {
    const auto plan = plan_route(configuration, "org", envelope, kNoService, Random(1));
    return plan ? "planned" : plan.error().status.text() + " " + plan.error().text;
  };
  CHECK(no_plan() == "planned");  // the size is not known
  envelope.announced_size = 2000;
  CHECK(no_plan() == "planned");
  envelope.announced_size = 2001;
  CHECK(no_plan() ==
        "5.3.4 message size 2001 exceeds the max_size of every relay of chain org; gateway message of 2001 octets "
        "exceeds its max_size of 1000; ses message of 2001 octets exceeds its max_size of 2000");
  SECTION("a relay that takes other senders") {
    configuration.relays.at("ses").senders = patterns({"@example.com"});
    CHECK_THAT(no_plan(), Catch::Matchers::StartsWith("4.3.5 no relay of chain org may carry this message"));
  }
  SECTION("a relay that takes other recipients, too small as well") {
    configuration.relays.at("gateway").recipients = patterns({"@example.com"});
    CHECK_THAT(no_plan(), Catch::Matchers::StartsWith("4.3.5 no relay of chain org may carry this message"));
  }
}

TEST_CASE("a bounce that no relay takes is deferred, and told what to write") {
  Configuration configuration = two_chains();
  configuration.relays.at("gateway").senders = patterns({"@example.com"});
  const auto plan = plan_route(configuration, "org", mail("", {"b@example.net"}), kNoService, Random(1));
  REQUIRE_FALSE(plan);
  CHECK(plan.error().status == EnhancedStatus{4, 3, 5});
  CHECK(plan.error().text ==
        "no relay of chain org takes bounces, the sender <>: write \"<>\" into the senders of one of its relays; "
        "gateway may not carry the sender <>");
}

TEST_CASE("rules lead to another chain or list, the recipient's first, the narrowest first") {
  Configuration configuration = two_chains();
  ChainConfig& out = configuration.chains.find("out")->second;
  out.by_sender = {{*parse_address_pattern("@example.org"), "org", {}},
                   {*parse_address_pattern("boss@example.org"), "[boss.example]:587", {}}};
  out.by_recipient = {{*parse_address_pattern("@partner.example"), "[partner.example]:25", {}}};
  const auto first = [&](const std::string& from, std::initializer_list<const char*> to) {
    return planned(configuration, mail(from, to)).legs.front().relay.name;
  };
  CHECK(first("joe@example.org", {"b@example.net"}) == "gateway");
  CHECK(first("boss@example.org", {"b@example.net"}) == "[boss.example]:587");
  CHECK(first("boss@example.org", {"b@partner.example"}) == "[partner.example]:25");
  const RoutePlan plan = planned(configuration, mail("joe@example.org", {"b@example.net"}));
  CHECK(plan.steps == std::vector<std::string>{"chain out: @example.org leads to org"});
}

TEST_CASE("recipients that need different relays are told apart from outside") {
  Configuration configuration = two_chains();
  configuration.chains.find("out")->second.by_recipient = {{*parse_address_pattern("@partner.example"), "org", {}}};
  const auto plan = plan_route(configuration, "out", mail("a@example.org", {"b@partner.example", "c@example.net"}),
                               kNoService, Random(1));
  REQUIRE_FALSE(plan);
  CHECK(plan.error().text.find("relaypipe_destination_recipient_limit = 1") != std::string::npos);
}

TEST_CASE("balance by sender keeps one sender on one relay, and the null sender is drawn") {
  Configuration configuration = two_chains();
  configuration.chains.find("out")->second.balance = Balance::Sender;
  std::vector<int> firsts(2, 0);
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const RoutePlan same = planned(configuration, mail("a@example.com", {"b@example.net"}), seed);
    CHECK(same.legs.front().relay.name ==
          planned(configuration, mail("A@Example.com", {"x@y.example"}), 0).legs.front().relay.name);
    ++firsts[planned(configuration, mail("", {"b@example.net"}), seed).legs.front().relay.name == "ses" ? 0 : 1];
  }
  CHECK(firsts[0] > 20);
  CHECK(firsts[1] > 20);
}

TEST_CASE("what names no chain is a list, and a list that cannot be read is an error") {
  const Configuration configuration = two_chains();
  const Envelope envelope = mail("a@example.com", {"b@example.net"});
  const auto list = plan_route(configuration, "[h1.example]:587 h2.example", envelope, kNoService, Random(1));
  REQUIRE(list);
  CHECK(names(*list) == std::vector<std::string>{"[h1.example]:587", "h2.example"});
  CHECK_FALSE(plan_route(configuration, "[h1.example:587", envelope, kNoService, Random(1)));
}

TEST_CASE("a bare name is a chain or an error, whoever names it") {
  const Configuration configuration = two_chains();
  const Envelope envelope = mail("a@example.com", {"b@example.net"});
  const auto error_of = [&](std::string_view nexthop, const Envelope& message) {
    const auto plan = plan_route(configuration, nexthop, message, kNoService, Random(1));
    return plan ? "" : plan.error().text;
  };
  CHECK_THAT(error_of("uot", envelope), Catch::Matchers::ContainsSubstring("did you mean out?"));
  CHECK_THAT(error_of("out,[h.example]:587", envelope), Catch::Matchers::ContainsSubstring("a chain stands alone"));
  CHECK_THAT(error_of("intranet", mail("a@example.com", {"b@Intranet"})),
             Catch::Matchers::ContainsSubstring("the domain of the recipient, which Postfix fills in"));
  const auto blank = plan_route(configuration, " org", envelope, kNoService, Random(1));
  REQUIRE(blank);
  CHECK(blank->chain == "org");
  CHECK(follow_rules(configuration, " org ", envelope)->nexthop == "org");
  const auto probed = relays_named(configuration, "Ses", kNoService);
  REQUIRE_FALSE(probed);
  CHECK_THAT(probed.error(), Catch::Matchers::ContainsSubstring("no relay or chain \"Ses\"; did you mean ses?"));
  CHECK_FALSE(relays_named(configuration, "localhost", kNoService));
}

TEST_CASE("rules are followed through several chains, each step told; rules that lead back end as an error") {
  Configuration configuration = two_chains();
  configuration.chains.find("out")->second.by_sender = {{*parse_address_pattern("<>"), "org", {}}};
  configuration.chains.find("org")->second.by_recipient = {
      {*parse_address_pattern("@x.example"), "[x.example]:25", {}}};
  const auto last = follow_rules(configuration, "out", mail("", {"b@x.example"}));
  REQUIRE(last);
  CHECK(last->nexthop == "[x.example]:25");
  CHECK(last->steps ==
        std::vector<std::string>{"chain out: <> leads to org", "chain org: @x.example leads to [x.example]:25"});
  configuration.chains.find("org")->second.by_recipient.front().nexthop = "out";
  const auto never = follow_rules(configuration, "out", mail("", {"b@x.example"}));
  REQUIRE_FALSE(never);
  CHECK_THAT(never.error(),
             Catch::Matchers::StartsWith("the rules of chain ") && Catch::Matchers::EndsWith(" lead back to it"));
}

TEST_CASE("a word names a relay, the relays of a chain in order, or the destinations of a list") {
  Configuration configuration = two_chains();
  configuration.chains.find("out")->second.by_sender = {{*parse_address_pattern("<>"), "org", {}}};
  configuration.relays.at("ses").settings.hostname = "own.example";
  const auto named = [&](std::string_view word) {
    std::vector<std::string> list;
    const auto relays = relays_named(configuration, word, kNoService);
    for (const Relay& relay : relays ? *relays : std::vector<Relay>())
      list.push_back(relay.name + "@" + relay.destination.host);
    return list;
  };
  using Names = std::vector<std::string>;
  CHECK(named("ses") == Names{"ses@ses.example"});
  CHECK(relays_named(configuration, "ses", kNoService)->front().settings->hostname == "own.example");
  CHECK(named("out") == Names{"ses@ses.example", "mailgun@mailgun.example", "gateway@gateway.example",
                              "[written.example]:25@written.example", "last@last.example"});
  CHECK(named("[a.example]:587, b.example") == Names{"[a.example]:587@a.example", "b.example@b.example"});
  const auto unreadable = relays_named(configuration, "[a.example", kNoService);
  REQUIRE_FALSE(unreadable);
  CHECK_THAT(unreadable.error(), Catch::Matchers::ContainsSubstring("\"]\" is missing"));
}

TEST_CASE("with a delimiter a rule of user@domain holds for its extensions, the narrowest first") {
  Configuration configuration = two_chains();
  ChainConfig& out = configuration.chains.find("out")->second;
  out.by_sender = {{*parse_address_pattern("user@example.com"), "org", {}}};
  const Envelope extended = mail("user+news@example.com", {"r@example.net"});
  CHECK(names(planned(configuration, extended)).size() > 1);
  configuration.relay_defaults.recipient_delimiter = "+";
  CHECK(names(planned(configuration, extended)) == std::vector<std::string>{"gateway"});
  out.by_sender.push_back({*parse_address_pattern("user+news@example.com"), "[own.example]:25", {}});
  CHECK(names(planned(configuration, extended)) == std::vector<std::string>{"[own.example]:25"});
  CHECK(names(planned(configuration, mail("user+x@example.com", {"r@example.net"}))) ==
        std::vector<std::string>{"gateway"});
}

TEST_CASE("with a delimiter a relay that may carry user@domain carries its extensions") {
  Configuration configuration = two_chains();
  ChainConfig& org = configuration.chains.find("org")->second;
  org.tiers = {{"gateway"}, {"ses"}};
  RelayConfig& gateway = configuration.relays.find("gateway")->second;
  gateway.senders = patterns({"user@example.com"});
  gateway.recipients = patterns({"r@example.net"});
  const auto first = [&] {
    return names(*plan_route(configuration, "org", mail("user+a@example.com", {"r+b@example.net"}), kNoService,
                             Random(1)))
        .front();
  };
  CHECK(first() == "ses");
  gateway.settings.recipient_delimiter = "+";
  CHECK(first() == "gateway");
}

}  // namespace
}  // namespace relaypipe
