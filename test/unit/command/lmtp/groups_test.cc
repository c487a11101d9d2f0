#include "command/lmtp/groups.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "route/plan.h"

namespace relaypipe {
namespace {

using Groups = std::vector<RecipientGroup>;

ChainRule rule(const char* pattern, const char* nexthop) { return {*parse_address_pattern(pattern), nexthop, {}}; }

/// `outbound` sends mail to example.net and example.edu over `net`, and mail to example.org over a list.
Configuration chains_with_rules() {
  Configuration configuration;
  ChainConfig outbound;
  outbound.name = "outbound";
  outbound.by_recipient = {rule("@example.net", "net"), rule("@example.edu", "net"),
                           rule("@example.org", "[192.0.2.1]:25")};
  ChainConfig net;
  net.name = "net";
  configuration.chains.emplace("outbound", outbound);
  configuration.chains.emplace("net", net);
  return configuration;
}

Envelope mail(std::initializer_list<const char*> to) {
  Envelope envelope;
  envelope.sender = *parse_sender("s@example.com");
  for (const char* text : to)
    envelope.recipients.push_back(*parse_address(text));
  return envelope;
}

/// In the order of the first recipient of each.
Groups groups(const Configuration& configuration, const std::string& nexthop, std::initializer_list<const char*> to) {
  Groups all = group_recipients(configuration, nexthop, mail(to));
  std::sort(all.begin(), all.end());
  return all;
}

TEST_CASE("recipients that no rule parts are delivered together") {
  CHECK(groups(chains_with_rules(), "outbound", {"a@example.com", "b@example.com"}) == Groups{{0, 1}});
  CHECK(groups(chains_with_rules(), "[192.0.2.9]:587", {"a@example.net", "b@example.org"}) == Groups{{0, 1}});
  CHECK(groups(chains_with_rules(), "outbound", {}).empty());
}

TEST_CASE("recipients are together where their rules lead to the same chain or list") {
  const Groups all =
      groups(chains_with_rules(), "outbound",
             {"a@example.com", "b@example.net", "c@example.org", "d@example.edu", "e@example.com", "f@example.org"});
  CHECK(all == Groups{{0, 4}, {1, 3}, {2, 5}});
}

TEST_CASE(
    "recipients who come to the same chain by different ways are apart, as a chain takes those of one rule only") {
  Configuration configuration = chains_with_rules();
  configuration.chains.at("outbound").by_recipient = {rule("@example.net", "net"), rule("@example.org", "last")};
  configuration.chains.at("net").by_recipient = {rule("@example.net", "last")};
  ChainConfig last;
  last.name = "last";
  last.tiers = {{"[192.0.2.1]:25"}};
  configuration.chains.emplace("last", last);
  const std::initializer_list<const char*> to = {"a@example.net", "b@example.org"};
  const Groups all = groups(configuration, "outbound", to);
  CHECK(all == Groups{{0}, {1}});
  const Envelope envelope = mail(to);
  CHECK_FALSE(follow_rules(configuration, "outbound", envelope));
  for (const RecipientGroup& group : all)
    CHECK(follow_rules(configuration, "outbound", envelope.with_recipients(group))->nexthop == "last");
}

TEST_CASE("an internationalized address does not keep the others from a relay without SMTPUTF8") {
  CHECK(groups(chains_with_rules(), "outbound", {"a@example.com", "\xc3\xa4@example.com", "c@example.com"}) ==
        Groups{{0, 2}, {1}});
}

TEST_CASE("every recipient is in one group, also where the rules lead nowhere") {
  Configuration configuration = chains_with_rules();
  // A loop, which read_configuration() would have refused.
  configuration.chains.at("net").by_recipient = {rule("@example.net", "outbound")};
  CHECK(groups(configuration, "outbound", {"a@example.com", "b@example.net", "c@example.net"}) == Groups{{0}, {1, 2}});
}

}  // namespace
}  // namespace relaypipe
