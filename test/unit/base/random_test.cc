#include "base/random.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <vector>

#include "catch.h"

namespace relaypipe {
namespace {

TEST_CASE("the same seed gives the same numbers, another one others") {
  Random first(7);
  Random same(7);
  Random other(8);
  bool differs = false;
  for (int i = 0; i < 20; ++i) {
    const auto number = first.next();
    CHECK(number == same.next());
    differs = differs || number != other.next();
  }
  CHECK(differs);
}

TEST_CASE("a number below a bound is below it, and every one comes") {
  const std::uint64_t bound = GENERATE(1U, 2U, 3U, 7U, 100U);
  Random random(bound);
  std::map<std::uint64_t, int> seen;
  for (int i = 0; i < 5000; ++i) {
    const auto number = random.below(bound);
    if (number >= bound) FAIL(number << " is not below " << bound);
    ++seen[number];
  }
  CHECK(seen.size() == bound);
}

TEST_CASE("a shuffle keeps all items, and any may stand anywhere") {
  std::array<std::array<int, 4>, 4> at{};
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    std::vector<std::size_t> items(4);
    std::iota(items.begin(), items.end(), 0U);
    Random(seed).shuffle(items);
    for (std::size_t place = 0; place < 4; ++place)
      ++at[items[place]][place];
    std::sort(items.begin(), items.end());
    if (items != std::vector<std::size_t>{0, 1, 2, 3}) FAIL("items are lost with seed " << seed);
  }
  for (const auto& item : at) {
    for (const int count : item) {
      CHECK(count > 850);
      CHECK(count < 1150);
    }
  }
}

TEST_CASE("nothing and one thing are shuffled too") {
  std::vector<int> none;
  std::vector<int> one{1};
  Random random(1);
  random.shuffle(none);
  random.shuffle(one);
  CHECK(none.empty());
  CHECK(one == std::vector<int>{1});
}

}  // namespace
}  // namespace relaypipe
