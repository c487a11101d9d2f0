#include "config/read_fleet.h"

#include "catch.h"

namespace relaypipe {
namespace {

using Way = StoreAddress::Way;

TEST_CASE("addresses of a store") {
  const auto parsed = [](std::string_view text) { return *parse_store_url(text); };
  CHECK(parsed("redis://store.example.net") == StoreAddress{Way::Tcp, "store.example.net", 6379, "", 0});
  CHECK(parsed("redis://192.0.2.1:7000/3") == StoreAddress{Way::Tcp, "192.0.2.1", 7000, "", 3});
  CHECK(parsed("rediss://[2001:db8::1]:7000/") == StoreAddress{Way::Tls, "2001:db8::1", 7000, "", 0});
  CHECK(parsed("redis://[2001:db8::1]") == StoreAddress{Way::Tcp, "2001:db8::1", 6379, "", 0});
  CHECK(parsed("unix:/run/valkey.sock").path == "/run/valkey.sock");
}

TEST_CASE("what is none says why, and never quotes itself") {
  for (const std::string_view text :
       {"", "http://a", "redis://", "redis://a:0", "redis://a:70000", "redis://a:x", "redis://[::1", "redis://[a]",
        "redis://a/b", "redis://a b", "unix:", "unix:relative", "redis://user:geheim@a", "redis://[::1]x"}) {
    const auto address = parse_store_url(text);
    INFO(text);
    REQUIRE(!address);
    CHECK(!address.error().empty());
    CHECK(address.error().find("geheim") == std::string::npos);
  }
}

}  // namespace
}  // namespace relaypipe
