#include "route/plan.h"

#include <initializer_list>
#include <string>
#include <string_view>

#include "catch.h"

namespace relaypipe {
namespace {

Envelope to(std::initializer_list<const char*> recipients) {
  Envelope envelope;
  for (const char* recipient : recipients)
    envelope.recipients.push_back(*parse_address(recipient));
  return envelope;
}

/// The plan without a configuration file: only lists are known.
RoutePlan planned(const std::string& nexthop, const Envelope& envelope) {
  static const Configuration configuration = [] {
    Configuration made;
    made.relay_defaults.hostname = "me.example";
    return made;
  }();
  const ServicePort no_service = [](std::string_view) { return std::nullopt; };
  return *plan_route(configuration, nexthop, envelope, no_service, Random(1));
}

TEST_CASE("a list becomes legs in its order, each with its reason and settings") {
  const RoutePlan plan = planned("[a.example]:587, smtps:[b.example] c.example", to({"r@example.org"}));
  REQUIRE(plan.legs.size() == 3);
  CHECK(plan.legs[0].relay.name == "[a.example]:587");
  CHECK(plan.legs[0].relay.destination.host == "a.example");
  CHECK(plan.legs[0].reason == "destination 1 of 3");
  CHECK(plan.legs[1].relay.destination.implicit_tls);
  CHECK(plan.legs[1].reason == "destination 2 of 3");
  CHECK(plan.legs[2].relay.destination.lookup == Lookup::Mx);
  CHECK(plan.legs[2].relay.settings->hostname == "me.example");
  for (const Leg& leg : plan.legs) {
    CHECK_FALSE(leg.relay.recipient_domain);
    CHECK_FALSE(leg.fallback);
    CHECK(leg.tier == 0);
    CHECK_FALSE(leg.relay.max_size);
  }
}

TEST_CASE("the destination is the recipients' own domain only where it can be nobody's choice") {
  struct Row {
    const char* nexthop;
    std::initializer_list<const char*> recipients;
    bool own;
  };
  const auto check = [](const Row& row) {
    CAPTURE(row.nexthop);
    for (const Leg& leg : planned(row.nexthop, to(row.recipients)).legs)
      CHECK(leg.relay.recipient_domain == row.own);
  };
  check({"example.org", {"r@example.org"}, true});
  check({"example.org", {"r@EXAMPLE.org"}, true});
  check({"Example.ORG", {"r@example.org", "q@example.org"}, true});
  check({"example.org", {"r@example.org", "q@example.com"}, false});
  check({"example.org", {"r@sub.example.org"}, false});
  check({"example.org", {"r@example.com"}, false});
  check({"[example.org]", {"r@example.org"}, false});
  check({"[example.org]:587", {"r@example.org"}, false});
  check({"example.org, example.net", {"r@example.org"}, false});
  check({"example.org, example.org", {"r@example.org"}, false});
  check({"srv:example.org", {"r@example.org"}, false});
  check({"example.org", {}, false});
  check({"example.org", {"postmaster"}, false});
}

TEST_CASE("what cannot be read is an error that says what") {
  const std::string nexthop = GENERATE("", " , ", "[a.example", "[a.example]:0", "[a.example]:x", "a..example", "[]");
  const ServicePort no_service = [](std::string_view) { return std::nullopt; };
  const Configuration none;
  const auto plan = plan_route(none, nexthop, to({"r@example.org"}), no_service, Random(1));
  REQUIRE_FALSE(plan);
  CHECK_FALSE(plan.error().text.empty());
}

}  // namespace
}  // namespace relaypipe
