#include "base/ip_address.h"

#include <string_view>

#include "catch.h"

namespace relaypipe {
namespace {

using namespace std::string_view_literals;

TEST_CASE("an address is read and written in its shortest form") {
  struct Row {
    std::string_view text;
    std::string_view written;
    bool v6;
  };
  const Row row = GENERATE(Row{"192.0.2.1", "192.0.2.1", false}, Row{"0.0.0.0", "0.0.0.0", false},
                           Row{"255.255.255.255", "255.255.255.255", false}, Row{"::1", "::1", true},
                           Row{"2001:DB8:0:0::1", "2001:db8::1", true}, Row{"2001:db8::0:1", "2001:db8::1", true},
                           Row{"::ffff:192.0.2.1", "::ffff:192.0.2.1", true}, Row{"::", "::", true});
  const auto address = parse_ip_address(row.text);
  REQUIRE(address);
  CHECK(address->text() == row.written);
  CHECK(address->v6 == row.v6);
  CHECK(parse_ip_address(address->text()) == address);
}

TEST_CASE("what is not an address is none") {
  const auto text = GENERATE(""sv, "192.0.2"sv, "192.0.2.256"sv, "192.0.2.1.2"sv, "192.0.2.-1"sv, " 192.0.2.1"sv,
                             "192.0.2.1 "sv, "192.0.2.1\n"sv, "192.0.2.1:25"sv, "[192.0.2.1]"sv, "[::1]"sv,
                             "ipv6:::1"sv, "::1%lo"sv, "fe80::1%eth0"sv, ":::"sv, "2001:db8::1::2"sv, "1:2:3:4:5:6:7"sv,
                             "1:2:3:4:5:6:7:8:9"sv, "12345::"sv, "g::1"sv, "0x7f.0.0.1"sv, "2130706433"sv,
                             "localhost"sv, "192.0.2.1\0"sv, "192.0.2.1\0x"sv, "::1\0"sv, ":"sv, "."sv);
  CAPTURE(text);
  CHECK_FALSE(parse_ip_address(text));
}

TEST_CASE("addresses are compared by value and version") {
  CHECK(*parse_ip_address("2001:db8::1") == *parse_ip_address("2001:0DB8:0::0001"));
  CHECK_FALSE(*parse_ip_address("192.0.2.1") == *parse_ip_address("192.0.2.2"));
  CHECK_FALSE(*parse_ip_address("0.0.0.0") == *parse_ip_address("::"));
  CHECK_FALSE(*parse_ip_address("192.0.2.1") == *parse_ip_address("::ffff:192.0.2.1"));
}

}  // namespace
}  // namespace relaypipe
