#include "route/tier_order.h"

#include <algorithm>
#include <map>

#include "catch.h"

namespace relaypipe {
namespace {

const std::vector<Weighted> kTier{{"ses", 3}, {"mailgun", 1}, {"spare", 0}};

/// How often each relay comes first over many draws.
template <class Draw>
std::map<std::size_t, int> firsts(int draws, Draw draw) {
  std::map<std::size_t, int> counts;
  for (int i = 0; i < draws; ++i)
    ++counts[draw(i).front()];
  return counts;
}

TEST_CASE("every order of a tier holds each relay once") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    auto order = order_by_weight(kTier, Random(seed));
    CHECK(order.back() == 2);  // weight 0 comes last
    std::sort(order.begin(), order.end());
    CHECK(order == std::vector<std::size_t>{0, 1, 2});
  }
  CHECK(order_by_weight({}, Random(1)).empty());
  CHECK(order_by_key({}, "a@b").empty());
}

TEST_CASE("over many messages the first place falls to each relay by its weight") {
  const auto counts =
      firsts(40000, [](int i) { return order_by_weight(kTier, Random(static_cast<std::uint64_t>(i))); });
  CHECK(counts.at(0) > 29400);  // 30000 expected, standard deviation 87
  CHECK(counts.at(0) < 30600);
  CHECK(counts.count(2) == 0);
}

TEST_CASE("relays of weight 0 share evenly what is left to them") {
  const std::vector<Weighted> idle{{"a", 0}, {"b", 0}};
  const auto counts =
      firsts(10000, [&](int i) { return order_by_weight(idle, Random(static_cast<std::uint64_t>(i))); });
  CHECK(counts.at(0) > 4700);
  CHECK(counts.at(1) > 4700);
}

TEST_CASE("one sender always gets the same order, and all senders share by weight") {
  CHECK(order_by_key(kTier, "a@example.com") == order_by_key(kTier, "a@example.com"));
  const auto counts =
      firsts(20000, [](int i) { return order_by_key(kTier, "user" + std::to_string(i) + "@example.com"); });
  CHECK(counts.at(0) > 14700);  // 15000 expected
  CHECK(counts.at(0) < 15300);
  CHECK(counts.count(2) == 0);
}

TEST_CASE("the order of a sender is the same on every machine and in every version: senders would move") {
  using DeliveryRequest = std::vector<std::size_t>;
  const std::vector<Weighted> tier{{"a", 3}, {"b", 1}, {"c", 1}, {"d", 0}};
  CHECK(order_by_key(tier, "") == DeliveryRequest{1, 2, 0, 3});
  CHECK(order_by_key(tier, "a@example.com") == DeliveryRequest{0, 1, 2, 3});
  CHECK(order_by_key(tier, "b@example.com") == DeliveryRequest{1, 2, 0, 3});
  CHECK(order_by_key(tier, "newsletter@example.org") == DeliveryRequest{2, 0, 1, 3});
  CHECK(order_by_key(tier, "x@y.example") == DeliveryRequest{1, 0, 2, 3});
}

TEST_CASE("when a relay goes, only its own senders move") {
  const std::vector<Weighted> three{{"a", 1}, {"b", 1}, {"c", 1}};
  const std::vector<Weighted> two{{"a", 1}, {"b", 1}};
  for (int i = 0; i < 2000; ++i) {
    const std::string sender = "user" + std::to_string(i);
    const std::size_t before = order_by_key(three, sender).front();
    if (before != 2) CHECK(order_by_key(two, sender).front() == before);
  }
}

}  // namespace
}  // namespace relaypipe
