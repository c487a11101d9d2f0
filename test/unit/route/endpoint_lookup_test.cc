// From a destination to endpoints: questions, answers and the order in which hosts and addresses are tried.
#include "route/endpoint_lookup.h"

#include <map>
#include <string>

#include "catch.h"
#include "flow/search.h"

namespace relaypipe {
namespace {

using namespace flow;
TEST_CASE("an address needs no DNS") {
  Search search("[192.0.2.1]:587");
  CHECK(search.run() == Strings{"192.0.2.1[192.0.2.1]:587"});
  CHECK(search.asked.empty());
  Search v6("[ipv6:2001:db8::1]");
  CHECK(v6.run() == Strings{"2001:db8::1[2001:db8::1]:25"});
}

TEST_CASE("[host] is looked up by address only") {
  Search search("[a.example]:587");
  search.zone[{RecordType::Mx, "a.example"}] = mx({{10, "wrong.example"}});
  search.has("a.example", {"192.0.2.1"});
  CHECK(search.run() == Strings{"a.example[192.0.2.1]:587"});
  CHECK(search.asked.size() == 2);
}

TEST_CASE("ip chooses what is asked") {
  Search search("[a.example]:587");
  search.has("a.example", {"192.0.2.1"}, {"2001:db8::1"});
  search.settings.ip = IpVersion::V4;
  CHECK(search.run() == Strings{"a.example[192.0.2.1]:587"});
  search.settings.ip = IpVersion::V6;
  CHECK(search.run() == Strings{"a.example[2001:db8::1]:587"});
  CHECK(search.asked.size() == 2);
}

TEST_CASE("IPv6 and IPv4 alternate, IPv6 first") {
  Search search("[a.example]:587");
  search.settings.mx_address_limit = 0;
  search.has("a.example", {"192.0.2.1", "192.0.2.2", "192.0.2.3"}, {"2001:db8::1"});
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Strings found = search.run(seed);
    REQUIRE(found.size() == 4);
    CHECK(found[0] == "a.example[2001:db8::1]:587");
  }
  search.has("a.example", {"192.0.2.1"}, {"2001:db8::1", "2001:db8::2"});
  const Strings found = search.run();
  REQUIRE(found.size() == 3);
  CHECK(found[1] == "a.example[192.0.2.1]:587");
}

TEST_CASE("addresses of one host come in any order, hosts in their own") {
  Search search("[a.example]:587");
  search.has("a.example", {"192.0.2.1", "192.0.2.2", "192.0.2.3"});
  std::map<std::string, int> first;
  for (std::uint64_t seed = 0; seed < 3000; ++seed)
    ++first[search.run(seed).at(0)];
  REQUIRE(first.size() == 3);
  for (const auto& [host, count] : first)
    CHECK((count > 880 && count < 1120));
}

TEST_CASE("at most mx_address_limit addresses, 0 is no limit") {
  Search search("[a.example]:587");
  search.has("a.example", {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7"});
  CHECK(search.run().size() == 5);
  search.settings.mx_address_limit = 1;
  CHECK(search.run().size() == 1);
  search.settings.mx_address_limit = 0;
  CHECK(search.run().size() == 7);
}

TEST_CASE("MX hosts by preference, equal ones shuffled, names in lower case") {
  Search search("example.net");
  search.zone[{RecordType::Mx, "example.net"}] = mx({{20, "C.example"}, {10, "a.example"}, {10, "B.example"}});
  search.has("a.example", {"192.0.2.1"});
  search.has("b.example", {"192.0.2.2"});
  search.has("c.example", {"192.0.2.3"});
  int a_first = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    const Strings found = search.run(seed);
    REQUIRE(found.size() == 3);
    if (found[2] != "c.example[192.0.2.3]:25") FAIL("the worse preference came before a better one");
    a_first += found[0] == "a.example[192.0.2.1]:25" ? 1 : 0;
  }
  CHECK(a_first > 880);
  CHECK(a_first < 1120);
}

TEST_CASE("MX answers of every kind") {
  Search search("example.net:2525");
  const auto with = [&](Answer answer) {
    search.zone[{RecordType::Mx, "example.net"}] = std::move(answer);
    return search.run();
  };
  search.has("example.net", {"192.0.2.9"});
  search.has("two.example", {"192.0.2.2"});
  CHECK(with(none(LookupStatus::NoData)) == Strings{"example.net[192.0.2.9]:2525"});
  CHECK(with(none(LookupStatus::Failed)) == Strings{"4.4.3 next"});
  CHECK(with(mx({{0, ""}})) == Strings{"4.4.4 next"});
  CHECK(with(mx({})) == Strings{"4.4.4 next"});
  CHECK(with(mx({{0, ""}, {5, "two.example"}})) == Strings{"two.example[192.0.2.2]:2525"});
  CHECK(with(mx({{5, "gone.example"}, {9, "two.example"}})) == Strings{"two.example[192.0.2.2]:2525"});
  CHECK(with(mx({{5, "gone.example"}})) == Strings{"4.4.4 next"});
  CHECK(with(mx({{5, "192.0.2.77"}})) == Strings{"192.0.2.77[192.0.2.77]:2525"});
  CHECK(with(mx({{5, "2001:db8::7"}, {6, "two.example"}})) ==
        Strings{"2001:db8::7[2001:db8::7]:2525", "two.example[192.0.2.2]:2525"});
  CHECK(with(mx({{5, "two.example"}, {6, "two.example"}})).size() == 2);
}

TEST_CASE("a failed lookup of an MX host outranks one that found nothing") {
  Search search("example.net");
  search.zone[{RecordType::Mx, "example.net"}] = mx({{5, "gone.example"}, {6, "dark.example"}, {7, "gone2.example"}});
  search.zone[{RecordType::A, "dark.example"}] = none(LookupStatus::Failed);
  CHECK(search.run() == Strings{"4.4.3 next"});
  const auto attempt = search.reach->result(kStart);
  CHECK(attempt->error().detail == "name=dark.example type=A: said so");
}

TEST_CASE("only the recipient's own domain can be refused for good, and only by what DNS says for sure") {
  Search search("example.net");
  search.relay.recipient_domain = true;
  const auto with = [&](Answer answer) {
    search.zone[{RecordType::Mx, "example.net"}] = std::move(answer);
    return search.run().at(0);
  };
  CHECK(with(mx({{0, ""}})) == "5.1.10 stop");
  CHECK(with(none(LookupStatus::NoData)) == "5.1.2 stop");  // no MX and no address of any kind: it takes no mail
  CHECK(with(none(LookupStatus::Failed)) == "4.4.3 next");
  CHECK(with(mx({{5, "gone.example"}})) == "4.4.4 next");
  search.zone[{RecordType::A, "example.net"}] = none(LookupStatus::Failed);
  CHECK(with(none(LookupStatus::NoData)) == "4.4.3 next");
  search.zone.erase({RecordType::A, "example.net"});
  search.settings.ip = GENERATE(IpVersion::V4, IpVersion::V6);  // our own choice is nobody's fault
  CHECK(with(none(LookupStatus::NoData)) == "4.4.4 next");
}

TEST_CASE("a name that does not exist is hard only as the recipient's own domain") {
  Search search("example.net");
  search.missing = LookupStatus::NotFound;
  CHECK(search.run() == Strings{"4.4.4 next"});
  search.relay.recipient_domain = true;
  CHECK(search.run() == Strings{"5.1.2 stop"});
}

TEST_CASE(
    "NXDOMAIN of the recipient's own domain is hard whatever ip is: a name that does not exist has no address of any "
    "version") {
  Search search("example.net");
  search.missing = LookupStatus::NotFound;  // for MX, A and AAAA alike
  search.relay.recipient_domain = true;
  search.settings.ip = GENERATE(IpVersion::V4, IpVersion::V6);
  CHECK(search.run() == Strings{"5.1.2 stop"});
}

TEST_CASE("addresses of one version wait 50 ms for those of the other") {
  Search search("[a.example]:587");
  search.begin();
  CHECK(search.reach->take_queries().size() == 2);
  CHECK(search.reach->take_queries().empty());
  CHECK(search.found() == Strings{"(waits)"});
  search.reach->answer({RecordType::A, "a.example"}, addresses({"192.0.2.1"}), kStart + 10ms);
  CHECK(search.found(kStart + 10ms) == Strings{"(waits)"});
  CHECK(search.reach->wake(kStart + 10ms) == kStart + 60ms);
  CHECK(search.found(kStart + 59ms) == Strings{"(waits)"});
  CHECK(search.found(kStart + 60ms) == Strings{"a.example[192.0.2.1]:587"});
}

TEST_CASE("the absence of one version is no reason to wait, nor enough without the other") {
  Search search("[a.example]:587");
  search.begin();
  search.reach->answer({RecordType::Aaaa, "a.example"}, none(LookupStatus::NoData), kStart + 10ms);
  CHECK(search.found(kStart + 10s) == Strings{"(waits)"});
  search.reach->answer({RecordType::A, "a.example"}, addresses({"192.0.2.1"}), kStart + 11s);
  CHECK(search.found(kStart + 11s) == Strings{"a.example[192.0.2.1]:587"});
}

TEST_CASE("all lookups together have resolve_limit") {
  Search search(GENERATE("[a.example]:587", "example.net", "srv:example.net"));
  search.settings.resolve_limit = 5s;
  search.begin();
  CHECK(search.reach->wake(kStart + 1s) == kStart + 5s);
  CHECK(search.found(kStart + 4999ms) == Strings{"(waits)"});
  CHECK(search.found(kStart + 5s) == Strings{"4.4.3 next"});
}

TEST_CASE("at resolve_limit what is known is used") {
  Search search("example.net");
  search.begin();
  search.reach->answer({RecordType::Mx, "example.net"}, mx({{1, "dark.example"}, {2, "b.example"}}), kStart);
  search.reach->answer({RecordType::A, "b.example"}, addresses({"192.0.2.2"}), kStart + 1s);
  CHECK(search.found(kStart + 2s) == Strings{"(waits)"});
  CHECK(search.found(kStart + 20s) == Strings{"b.example[192.0.2.2]:25"});
}

TEST_CASE("answers to others' questions are ignored") {
  Search search("example.net");
  search.begin();
  search.reach->answer({RecordType::Mx, "other.example"}, mx({{1, "192.0.2.66"}}), kStart + 1s);
  search.reach->answer({RecordType::Srv, "_submission._tcp.example.net"}, srv({{0, 0, 25, "x.example"}}), kStart);
  search.reach->answer({RecordType::A, "example.net"}, addresses({"192.0.2.66"}), kStart);
  CHECK(search.found(kStart + 2s) == Strings{"(waits)"});
  search.reach->answer({RecordType::Mx, "example.net"}, mx({{1, "192.0.2.1"}}), kStart + 2s);
  search.reach->answer({RecordType::Mx, "example.net"}, mx({{1, "192.0.2.66"}}), kStart + 2s);  // once is enough
  CHECK(search.found(kStart + 2s) == Strings{"192.0.2.1[192.0.2.1]:25"});
}

}  // namespace
}  // namespace relaypipe
