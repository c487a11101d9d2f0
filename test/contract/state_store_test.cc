// What every state store promises: the double that the tests use and the real one.
#include "state/store.h"

#include <stdlib.h>

#include <filesystem>
#include <memory>

#include "catch.h"
#include "fake/memory_state_store.h"
#include "io/state/store.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;
using Values = std::vector<StateValue>;
using Keys = std::vector<std::string>;

const WallTime kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + 10h;
const WallTime kLater = kNow + 24h;

struct Directory {
  Directory() {
    char name[] = "/tmp/relaypipe-state.XXXXXX";
    path = mkdtemp(name);
  }
  ~Directory() { std::filesystem::remove_all(path); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  std::string path;
};

/// Stores of one kind that share what they remember, as processes do.
struct Stores {
  explicit Stores(bool real) {
    if (real) directory = std::make_unique<Directory>();
  }
  StateStore& store() {
    if (!directory) return memory;
    opened.push_back(std::make_unique<SqliteStateStore>(directory->path));
    return *opened.back();
  }
  std::unique_ptr<Directory> directory;
  fake::MemoryStateStore memory;
  std::vector<std::unique_ptr<SqliteStateStore>> opened;
};

bool put(StateStore& store, const std::string& key, const std::string& octets, WallTime until = kLater) {
  return store.update(Keys{key}, kNow, StateWait::Brief, [&](Values& values) { values[0] = {octets, until}; });
}

std::string get(StateStore& store, const std::string& key, WallTime now = kNow) {
  return store.read(Keys{key}, now).at(0);
}

TEST_CASE("what was written is read, by every copy") {
  Stores stores(GENERATE(false, true));
  StateStore& store = stores.store();
  StateStore& other = stores.store();
  CHECK(get(store, "relay/a").empty());
  CHECK(put(store, "relay/a", "one"));
  CHECK(get(store, "relay/a") == "one");
  CHECK(get(other, "relay/a") == "one");
  CHECK(put(other, "relay/a", "two"));
  CHECK(get(store, "relay/a") == "two");
  CHECK(get(stores.store(), "relay/a") == "two");
  CHECK_FALSE(store.trouble());
  CHECK_FALSE(other.trouble());
}

TEST_CASE("several records change together, and each is seen as it was") {
  Stores stores(GENERATE(false, true));
  StateStore& store = stores.store();
  put(store, "a", "1");
  const Keys keys{"a", "b", "c"};
  Values seen;
  CHECK(store.update(keys, kNow, StateWait::Brief, [&](Values& values) {
    seen = values;
    values[0].octets.clear();
    values[1] = {"2", kLater};
    values[2] = {std::string("\0\xFF\n", 3), kLater};
  }));
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].octets == "1");
  CHECK(seen[0].useful_until == kLater);
  CHECK(seen[1].octets.empty());
  CHECK(store.read(keys, kNow) == std::vector<std::string>{"", "2", std::string("\0\xFF\n", 3)});
}

TEST_CASE("what is of no use any more is absent") {
  Stores stores(GENERATE(false, true));
  StateStore& store = stores.store();
  put(store, "a", "1", kNow + 5s);
  CHECK(get(store, "a", kNow + 5s - 1ms) == "1");
  CHECK(get(store, "a", kNow + 5s).empty());
  CHECK(store.list("a", kNow + 5s).empty());
}

TEST_CASE("records are listed by the beginning of their keys") {
  Stores stores(GENERATE(false, true));
  StateStore& store = stores.store();
  CHECK(store.list("relay/", kNow).empty());
  for (const char* key : {"relay/b", "relay/a", "relax", "relb", "relay/", "delivery/1"})
    put(store, key, std::string("of ") + key);
  using Found = std::vector<std::pair<std::string, std::string>>;
  CHECK(store.list("relay/", kNow) ==
        Found{{"relay/", "of relay/"}, {"relay/a", "of relay/a"}, {"relay/b", "of relay/b"}});
  CHECK(store.list("unknown/", kNow).empty());
}

TEST_CASE("large records and long keys are kept") {
  Stores stores(GENERATE(false, true));
  StateStore& store = stores.store();
  const std::string large(20'000, 'x');
  const std::string key(400, 'k');
  CHECK(put(store, key, large));
  CHECK(get(stores.store(), key) == large);
}

TEST_CASE("a change is asked for exactly once, kept or not") {
  Stores stores(GENERATE(false, true));
  StateStore* store = &stores.store();
  SqliteStateStore nowhere("/proc/relaypipe-is-not-here");
  if (stores.directory) {
    store = &nowhere;
  } else {
    stores.memory.broken = "broken on purpose";
  }
  for (int i = 0; i < 2; ++i) {
    int asked = 0;
    CHECK_FALSE(store->update(Keys{"a"}, kNow, StateWait::Exact, [&](Values& values) {
      ++asked;
      CHECK(values.size() == 1);
      values[0] = {"1", kLater};
    }));
    CHECK(asked == 1);
    CHECK(get(*store, "a").empty());
    CHECK(store->list("", kNow).empty());
    CHECK(store->trouble());
  }
}

}  // namespace
}  // namespace relaypipe
