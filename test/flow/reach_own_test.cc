// The hosts that SRV names, and the hosts that are this machine.
#include <map>
#include <string>

#include "catch.h"
#include "flow/search.h"

namespace relaypipe::flow {
namespace {

const char* const kService = "_submission._tcp.example.net";

TEST_CASE("SRV is asked first where it is wanted, under the name of the service") {
  Search search(GENERATE("srv:example.net", "example.net"));
  search.settings.srv = true;
  search.zone[{RecordType::Srv, kService}] = srv({{0, 0, 2587, "A.example"}});
  search.has("a.example", {"192.0.2.1"});
  CHECK(search.run() == Strings{"a.example[192.0.2.1]:2587"});
  search.relay.destination.implicit_tls = true;
  search.begin();
  CHECK(search.reach->take_queries() == std::vector<Query>{{RecordType::Srv, "_submissions._tcp.example.net"}});
}

TEST_CASE("srv does not concern [host]") {
  Search search("[a.example]:587");
  search.settings.srv = true;
  search.has("a.example", {"192.0.2.1"});
  CHECK(search.run() == Strings{"a.example[192.0.2.1]:587"});
}

TEST_CASE("SRV by priority, and by weight inside a priority") {
  Search search("srv:example.net");
  search.zone[{RecordType::Srv, kService}] = srv({{20, 0, 1, "last.example"},
                                                  {10, 300, 2, "heavy.example"},
                                                  {10, 100, 3, "light.example"},
                                                  {10, 0, 4, "zero.example"}});
  for (const char* host : {"last.example", "heavy.example", "light.example", "zero.example"})
    search.has(host, {"192.0.2.1"});
  std::map<std::string, int> first;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    const Strings found = search.run(seed);
    REQUIRE(found.size() == 4);
    if (found[3] != "last.example[192.0.2.1]:1") FAIL("the worse priority came before a better one");
    ++first[found[0].substr(0, found[0].find('['))];
  }
  CHECK((first["heavy.example"] > 2800 && first["heavy.example"] < 3150));
  CHECK((first["light.example"] > 880 && first["light.example"] < 1120));
  CHECK((first["zero.example"] > 0 && first["zero.example"] < 60));
}

TEST_CASE("SRV answers of every kind") {
  Search search("srv:example.net");
  search.relay.recipient_domain = GENERATE(false, true);
  search.zone[{RecordType::Mx, "example.net"}] = mx({{1, "192.0.2.9"}});
  const auto with = [&](Answer answer) {
    search.zone[{RecordType::Srv, kService}] = std::move(answer);
    return search.run().at(0);
  };
  const std::string by_mx = "192.0.2.9[192.0.2.9]:" + std::to_string(search.relay.destination.port);
  CHECK(with(none(LookupStatus::NotFound)) == by_mx);
  CHECK(with(none(LookupStatus::NoData)) == by_mx);
  CHECK(with(none(LookupStatus::Failed)) == "4.4.3 next");
  CHECK(with(srv({{0, 0, 0, ""}})) == "4.4.4 next");
  CHECK(with(srv({{0, 0, 0, ""}, {9, 0, 587, "192.0.2.3"}})) == "192.0.2.3[192.0.2.3]:587");
}

TEST_CASE("one host named twice by SRV keeps both its ports") {
  Search search("srv:example.net");
  search.zone[{RecordType::Srv, kService}] = srv({{1, 0, 587, "a.example"}, {2, 0, 2587, "a.example"}});
  search.has("a.example", {"192.0.2.1"});
  CHECK(search.run() == Strings{"a.example[192.0.2.1]:587", "a.example[192.0.2.1]:2587"});
}

/// A domain with a better, an own, an equal and a worse host.
Search with_own(std::uint16_t own_preference, const std::string& nexthop = "example.net") {
  Search search(nexthop);
  search.zone[{RecordType::Mx, "example.net"}] =
      mx({{10, "first.example"}, {20, "second.example"}, {own_preference, "ME.example"}, {30, "third.example"}});
  search.has("first.example", {"192.0.2.1"});
  search.has("second.example", {"192.0.2.2"});
  search.has("third.example", {"192.0.2.3"});
  search.has("me.example", {"192.0.2.100"});
  return search;
}

TEST_CASE("this host and all of equal or worse preference are dropped") {
  CHECK(with_own(5).run() == Strings{"4.4.6 stop"});
  CHECK(with_own(10).run() == Strings{"4.4.6 stop"});
  CHECK(with_own(15).run() == Strings{"first.example[192.0.2.1]:25"});
  CHECK(with_own(20).run() == Strings{"first.example[192.0.2.1]:25"});
  CHECK(with_own(30).run() == Strings{"first.example[192.0.2.1]:25", "second.example[192.0.2.2]:25"});
  CHECK(with_own(40).run().size() == 3);
}

TEST_CASE("it is known by its addresses as well as by its name") {
  Search search = with_own(20);
  search.self.name = "another.example";
  CHECK(search.run().size() == 4);
  search.self.addresses = {*parse_ip_address("192.0.2.100")};
  CHECK(search.run() == Strings{"first.example[192.0.2.1]:25"});
  search.self.addresses = {*parse_ip_address("192.0.2.1")};
  CHECK(search.run() == Strings{"4.4.6 stop"});
  search.self = {"", {}};
  CHECK(search.run().size() == 4);
}

TEST_CASE("an own host without an address is own all the same, and one with some own address is own") {
  Search search = with_own(10);
  search.zone.erase({RecordType::A, "me.example"});
  CHECK(search.run() == Strings{"4.4.6 stop"});
  search.self = {"x.example", {*parse_ip_address("2001:db8::7")}};
  search.has("first.example", {"192.0.2.1"}, {"2001:db8::7"});
  CHECK(search.run() == Strings{"4.4.6 stop"});
}

TEST_CASE("where the better hosts have no address, no primary is found") {
  Search search = with_own(20);
  search.zone[{RecordType::A, "first.example"}] = none(GENERATE(LookupStatus::NoData, LookupStatus::NotFound));
  CHECK(search.run() == Strings{"4.4.4 stop"});
}

TEST_CASE("on another port it is another service of this machine") {
  Search search = with_own(5, "example.net:587");
  CHECK(search.run().size() == 4);
  CHECK_FALSE(search.reach->is_own_domain(kStart));
}

TEST_CASE("a destination that is this machine loops") {
  Search literal("[192.0.2.100]");
  literal.self.addresses = {*parse_ip_address("192.0.2.100")};
  CHECK(literal.run() == Strings{"4.4.6 stop"});
  Search named("[me.example]");
  named.has("me.example", {"192.0.2.100"});
  CHECK(named.run() == Strings{"4.4.6 stop"});
  CHECK_FALSE(named.reach->is_own_domain(kStart));  // that is a question about MX
  Search service("[192.0.2.100]:587");
  service.self = literal.self;
  CHECK(service.run().size() == 1);
}

TEST_CASE("whether this machine is an MX of the domain is known once the answers are in") {
  Search search = with_own(20);
  search.begin();
  CHECK_FALSE(search.reach->is_own_domain(kStart));
  search.answer_all();
  CHECK(search.reach->is_own_domain(kStart));
  Search other = with_own(20);
  other.self.name = "another.example";
  other.run();
  CHECK_FALSE(other.reach->is_own_domain(kStart));
}

}  // namespace
}  // namespace relaypipe::flow
