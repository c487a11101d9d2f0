// What only the real state store has to bear: several processes, their death, a million messages, and every damage to
// its files.
#include "io/state/store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>

#include "base/random.h"
#include "catch.h"
#include "io/state/lock.h"

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
  [[nodiscard]] std::string file() const { return path + "/state.db"; }
  [[nodiscard]] std::string bulk() const { return path + "/messages.db"; }
  [[nodiscard]] std::string lock() const { return path + "/state.lock"; }
  std::string path;
};

/// A process of its own. It must not run Catch2's end.
pid_t start(const std::function<int()>& work) {
  const pid_t pid = fork();
  if (pid == 0) _exit(work());
  return pid;
}

int end_of(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  return status;
}

/// What a process says while it lives, one octet at a time.
struct Pipe {
  Pipe() { REQUIRE(pipe(ends) == 0); }
  ~Pipe() {
    close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  [[nodiscard]] bool say() const { return write(ends[1], "x", 1) == 1; }
  [[nodiscard]] bool receive() const {
    char one = 0;
    return read(ends[0], &one, 1) == 1;
  }
  void hear_only() {
    close(ends[1]);
    ends[1] = -1;
  }
  int ends[2]{};
};

bool put(StateStore& store, const std::string& key, const std::string& octets, WallTime now = kNow,
         WallTime until = kLater) {
  return store.update(Keys{key}, now, StateWait::Brief, [&](Values& values) { values[0] = {octets, until}; });
}

bool add_one(StateStore& store, const std::string& key, WallTime now = kNow, StateWait wait = StateWait::Brief) {
  return store.update(Keys{key}, now, wait, [&](Values& values) {
    const int count = values[0].octets.empty() ? 0 : std::stoi(values[0].octets);
    values[0] = {std::to_string(count + 1), kLater};
  });
}

int count_of(const std::string& path, const std::string& key) {
  const std::string text = SqliteStateStore(path).read(Keys{key}, kNow).at(0);
  return text.empty() ? 0 : std::stoi(text);
}

std::string text_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// What somebody else does to a file.
void write_text(const std::string& file, const std::string& text) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
}

TEST_CASE("no change of any process is lost") {
  Directory directory;
  std::vector<pid_t> processes;
  for (int i = 0; i < 8; ++i) {
    processes.push_back(start([&] {
      int kept = 0;
      for (int j = 0; j < 25; ++j) {
        // As deliveries do: each opens it anew.
        SqliteStateStore store(directory.path);
        kept += add_one(store, "count", kNow, StateWait::Exact) ? 1 : 0;
        kept += add_one(store, "message/other", kNow, StateWait::Exact) ? 1 : 0;
      }
      return kept;
    }));
  }
  for (const pid_t pid : processes)
    CHECK(WEXITSTATUS(end_of(pid)) == 50);
  CHECK(count_of(directory.path, "count") == 200);
  CHECK(count_of(directory.path, "message/other") == 200);
}

TEST_CASE("a hundred processes at once take what there is, and not one more") {
  Directory directory;
  constexpr int kProcesses = 100;
  constexpr int kLeft = 49;
  Pipe gate;
  std::vector<pid_t> processes;
  for (int i = 0; i < kProcesses; ++i) {
    processes.push_back(start([&] {
      gate.hear_only();
      static_cast<void>(gate.receive());  // the end of it: all begin together
      SqliteStateStore store(directory.path);
      bool taken = false;
      const bool kept = store.update(Keys{"relay/limited"}, kNow, StateWait::Exact, [&](Values& values) {
        taken = values[0].octets.size() < kLeft;
        if (taken) values[0] = {values[0].octets + "x", kLater};
      });
      return (taken ? 1 : 0) + (kept ? 2 : 0);
    }));
  }
  close(gate.ends[1]);
  gate.ends[1] = -1;
  int taken = 0;
  for (const pid_t pid : processes) {
    const int status = end_of(pid);
    REQUIRE(WIFEXITED(status));
    taken += WEXITSTATUS(status) & 1;
    CHECK((WEXITSTATUS(status) & 2) != 0);
  }
  CHECK(taken == kLeft);
}

TEST_CASE("a killed process neither blocks the others nor damages anything") {
  Directory directory;
  SqliteStateStore survivor(directory.path);
  const auto seed = static_cast<std::uint64_t>(getpid());
  Random random(seed);
  CAPTURE(seed);
  const std::string key = GENERATE("count", "message/count");
  int told = 0;
  for (int i = 0; i < 100; ++i) {
    Pipe pipe;
    const pid_t pid = start([&] {
      SqliteStateStore store(directory.path);
      while (add_one(store, key) && pipe.say()) {
      }
      return 1;
    });
    pipe.hear_only();
    REQUIRE(pipe.receive());
    ++told;
    const timespec nap{0, static_cast<long>(random.below(500'000))};
    nanosleep(&nap, nullptr);
    kill(pid, SIGKILL);
    end_of(pid);
    while (pipe.receive())
      ++told;
    REQUIRE(add_one(survivor, "mine"));
    CAPTURE(survivor.trouble().value_or(""));
    REQUIRE_FALSE(survivor.trouble());
  }
  const int count = count_of(directory.path, key);
  // What was told was kept; the last change of each may have been kept without being told.
  CHECK(count >= told);
  CHECK(count <= told + 100);
  CHECK(count_of(directory.path, "mine") == 100);
}

/// A process that has the turn and is stopped.
struct Stopped {
  explicit Stopped(const Directory& directory) {
    Pipe pipe;
    pid = start([&] {
      const int fd = open(directory.lock().c_str(), O_RDWR);
      if (flock(fd, LOCK_EX) != 0 || !pipe.say()) return 1;
      raise(SIGSTOP);
      return 0;
    });
    REQUIRE(pipe.receive());
  }
  ~Stopped() {
    kill(pid, SIGKILL);
    end_of(pid);
  }
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;
  pid_t pid;
};

TEST_CASE("a process that was stopped in the middle costs the others a quarter of a second, once") {
  Directory directory;
  SqliteStateStore store(directory.path);
  REQUIRE(add_one(store, "count"));
  {
    const Stopped stopped(directory);
    CHECK_FALSE(add_one(store, "count"));
    REQUIRE(store.trouble());
    CHECK(*store.trouble() == directory.lock() + ": another process holds it for more than 250 ms");
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < 1000; ++i)
      add_one(store, "count");  // it does not wait again
    CHECK(std::chrono::steady_clock::now() - begun < 5s);
  }
  CHECK(count_of(directory.path, "count") == 1);
  // It has not given up: the next turn is there.
  CHECK(add_one(store, "count"));
}

TEST_CASE("where a limit depends on it, a process that hangs for a while is waited for") {
  Directory directory;
  SqliteStateStore store(directory.path);
  REQUIRE(add_one(store, "count"));
  Pipe pipe;
  const pid_t pid = start([&] {
    const int fd = open(directory.lock().c_str(), O_RDWR);
    if (flock(fd, LOCK_EX) != 0 || !pipe.say()) return 1;
    const timespec nap{0, 800'000'000};
    nanosleep(&nap, nullptr);
    return 0;
  });
  REQUIRE(pipe.receive());
  CHECK(add_one(store, "count", kNow, StateWait::Exact));
  CHECK_FALSE(store.trouble());
  end_of(pid);
}

TEST_CASE("whoever waits while the others get on waits for its turn") {
  Directory directory;
  SqliteStateStore store(directory.path);
  REQUIRE(add_one(store, "count"));
  Pipe pipe;
  // It has the turn for a second, and passes it on in a way that nobody else can get it; the count moves all the time.
  const pid_t pid = start([&] {
    const int fd = open(directory.lock().c_str(), O_RDWR);
    if (flock(fd, LOCK_EX) != 0 || !pipe.say()) return 1;
    for (int i = 0; i < 10; ++i) {
      const timespec nap{0, 100'000'000};
      nanosleep(&nap, nullptr);
      const int other = open((directory.path + "/copy").c_str(), O_RDWR | O_CREAT, 0600);
      close(other);
      std::filesystem::copy_file(directory.lock(), directory.path + "/copy",
                                 std::filesystem::copy_options::overwrite_existing);
      std::filesystem::create_directory(directory.path + "/apart");
      std::filesystem::rename(directory.path + "/copy", directory.path + "/apart/state.lock");
      StateLockFile file(directory.path + "/apart");
      { const StateLock lock(file, StateLock::Use::Read, Span(0)); }
      const std::string counted = text_of(directory.path + "/apart/state.lock");
      if (pwrite(fd, counted.data(), counted.size(), 0) < 0) return 1;
    }
    return 0;
  });
  REQUIRE(pipe.receive());
  CHECK(add_one(store, "count"));
  CHECK_FALSE(store.trouble());
  CHECK(end_of(pid) == 0);
}

std::string large(int i) { return std::string(static_cast<std::size_t>(i) * 30 + 1, 'x'); }

/// A hundred records in each file.
void fill(const Directory& directory) {
  SqliteStateStore store(directory.path);
  for (int i = 0; i < 100; ++i) {
    for (const std::string kind : {"relay/", "message/"})
      REQUIRE(put(store, kind + std::to_string(i), large(i)));
  }
  REQUIRE_FALSE(store.trouble());
}

TEST_CASE("whatever happens to a file, it is recreated, the process lives, and the other file keeps what it has") {
  const bool lasting = GENERATE(true, false);
  Directory directory;
  fill(directory);
  const std::string damaged_file = lasting ? directory.file() : directory.bulk();
  const std::string kind = lasting ? "relay/" : "message/";
  const std::string other = lasting ? "message/99" : "relay/99";
  const std::string whole = text_of(damaged_file);
  REQUIRE(whole.size() > 100'000);
  Random random(3);
  int kept = 0;
  int rounds = 0;
  const auto survives = [&](const std::string& what, const std::string& damaged) {
    write_text(damaged_file, damaged);
    const WallTime when = kNow + Span(++rounds);  // some of them look for records of no use
    const pid_t pid = start([&] {
      SqliteStateStore store(directory.path);
      for (int i = 0; i < 100; i += 7)
        store.read(Keys{kind + std::to_string(i)}, kNow);
      add_one(store, kind + "count", when);
      // The next delivery finds a file that works.
      SqliteStateStore next(directory.path);
      const bool fine = add_one(next, kind + "count", when) && !next.list(kind + "count", kNow).empty();
      return fine && next.read(Keys{other}, kNow).at(0) == large(99) ? 0 : 1;
    });
    CAPTURE(what);
    CHECK(end_of(pid) == 0);
    kept += SqliteStateStore(directory.path).read(Keys{kind + "1"}, kNow).at(0).empty() ? 0 : 1;
  };
  survives("empty", "");
  survives("short", "short");
  survives("text", std::string(300'000, 'A'));
  survives("zeros", std::string(300'000, '\0'));
  for (std::size_t size = 4096; size < whole.size(); size += whole.size() / 20)
    survives("cut to " + std::to_string(size), whole.substr(0, size));
  for (std::size_t page = 0; page < whole.size() / 4096; page += 3) {
    std::string damaged = whole;
    damaged.replace(page * 4096, 4096, 4096, static_cast<char>(random.below(2) == 0 ? 0xFF : 0));
    survives("page " + std::to_string(page) + " overwritten", damaged);
  }
  for (std::size_t at = 0; at < 110; at += 2) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] + static_cast<int>(at == 18 ? 1 : random.below(255) + 1));
    survives("octet " + std::to_string(at) + " of the head", damaged);
  }
  for (int i = 0; i < 40; ++i) {
    std::string damaged = whole;
    for (int j = 0; j < 40; ++j)
      damaged[random.below(damaged.size())] = static_cast<char>(random.next());
    survives("octets, round " + std::to_string(i), damaged);
  }
  CHECK(kept > rounds / 4);  // not everything is thrown away for one octet
}

TEST_CASE("random octets anywhere, before an operation or under an open file, end no process") {
  Directory directory;
  Random random(5);
  const auto use = [](SqliteStateStore& store, Random& draw, int times) {
    for (int i = 0; i < times; ++i)
      store.update(Keys{"relay/" + std::to_string(draw.below(150))}, kNow, StateWait::Brief, [&](Values& values) {
        values[0] = {std::string(draw.below(3) == 0 ? 0 : draw.below(3000), 'x'), kLater};
      });
  };
  {
    SqliteStateStore store(directory.path);
    use(store, random, 400);
    REQUIRE_FALSE(store.trouble());
  }
  const std::string whole = text_of(directory.file());
  for (int round = 0; round < 100; ++round) {
    std::string damaged = whole;
    const std::uint64_t pieces = std::uint64_t{1} << random.below(7);
    for (std::uint64_t i = 0; i < pieces; ++i) {
      std::size_t at = random.below(damaged.size());
      const std::uint64_t octets = std::uint64_t{1} << random.below(13);
      for (std::uint64_t j = 0; j < octets && at < damaged.size(); ++j)
        damaged[at++] = static_cast<char>(random.next());
    }
    const bool before = random.below(2) == 0;  // or while it is open
    const bool journal = random.below(4) == 0;
    const std::string target = directory.file() + (journal ? "-journal" : "");
    const pid_t pid = start([&] {
      SqliteStateStore store(directory.path);
      if (before) write_text(target, damaged);
      use(store, random, 2);
      if (!before) write_text(target, damaged);
      use(store, random, 20);
      SqliteStateStore next(directory.path);
      use(next, random, 10);
      return 0;
    });
    CAPTURE(round);
    CHECK(end_of(pid) == 0);
    write_text(directory.file(), whole);
    write_text(directory.lock(), std::string(1, '\0'));
  }
}

TEST_CASE("a record whose octets were changed is absent") {
  Directory directory;
  {
    SqliteStateStore store(directory.path);
    REQUIRE(put(store, "relay/a", "precious quota"));
    REQUIRE(put(store, "relay/b", "another"));
  }
  std::string text = text_of(directory.file());
  const std::size_t at = text.rfind("precious");
  REQUIRE(at != std::string::npos);
  text[at] = 'P';
  write_text(directory.file(), text);
  SqliteStateStore store(directory.path);
  CHECK(store.read(Keys{"relay/a", "relay/b"}, kNow) == std::vector<std::string>{"", "another"});
  CHECK_FALSE(store.trouble());
}

TEST_CASE("a file that is whole is never taken for a damaged one") {
  Directory directory;
  Random random(7);
  for (int round = 0; round < 20; ++round) {
    SqliteStateStore store(directory.path);
    for (int i = 0; i < 100; ++i) {
      const std::uint64_t longest = std::uint64_t{1} << random.below(16);  // some need pages of their own
      const bool removes = random.below(3) == 0;
      const Keys keys{"message/" + std::to_string(random.below(300)), "relay/" + std::to_string(random.below(9))};
      store.update(keys, kNow + Span(i), StateWait::Brief, [&](Values& values) {
        values[0] = {std::string(removes ? 0 : random.below(longest) + 1, 'x'), kLater};
        values[1] = {std::string(random.below(500), 'y'), kLater};
      });
    }
    CAPTURE(round);
    REQUIRE_FALSE(store.trouble());
  }
  for (const auto& entry : std::filesystem::directory_iterator(directory.path))
    CHECK(entry.path().string().find("damaged") == std::string::npos);
}

TEST_CASE("a file that is cut while it is open is recreated") {
  Directory directory;
  SqliteStateStore store(directory.path);
  for (int i = 0; i < 100; ++i)
    REQUIRE(put(store, "relay/" + std::to_string(i), std::string(1000, 'x')));
  REQUIRE(truncate(directory.file().c_str(), 8192) == 0);
  for (int i = 0; i < 100; ++i)
    add_one(store, "relay/count" + std::to_string(i));
  CHECK(store.trouble());
  CHECK(std::filesystem::exists(directory.file() + ".damaged"));
  CHECK(add_one(store, "count"));
  SqliteStateStore next(directory.path);
  CHECK(add_one(next, "count"));
  CHECK_FALSE(next.trouble());
}

/// A process that dies in the middle of an operation.
void die_in_the_middle(const Directory& directory, StateLock::Use use) {
  const pid_t pid = start([&]() -> int {
    StateLockFile file(directory.path);
    const StateLock lock(file, use, StateLock::kBrief);
    kill(getpid(), SIGKILL);
    return 0;
  });
  end_of(pid);
}

TEST_CASE("deaths are no damage: a file that is whole is kept, however many died") {
  Directory directory;
  {
    SqliteStateStore store(directory.path);
    REQUIRE(add_one(store, "count"));
  }
  for (std::uint32_t i = 0; i < StateLock::kMostCrashes; ++i)
    die_in_the_middle(directory, StateLock::Use::Write);
  SqliteStateStore store(directory.path);
  CHECK(add_one(store, "count"));
  CHECK_FALSE(store.trouble());
  CHECK(count_of(directory.path, "count") == 2);
}

TEST_CASE("a file that kills those who use it is quarantined, though others read it in between") {
  Directory directory;
  {
    SqliteStateStore store(directory.path);
    REQUIRE(add_one(store, "count"));
  }
  const auto use = GENERATE(StateLock::Use::Read, StateLock::Use::Write);
  for (std::uint32_t i = 0; i <= StateLock::kMostCrashes; ++i) {
    die_in_the_middle(directory, use);
    const bool reads = use == StateLock::Use::Write;
    StateLockFile file(directory.path);
    const StateLock lock(file, reads ? StateLock::Use::Read : StateLock::Use::Write, StateLock::kBrief);
    REQUIRE(lock.crashes() == 0);
  }
  SqliteStateStore store(directory.path);
  if (use == StateLock::Use::Read) store.read(Keys{"count"}, kNow);
  CHECK(add_one(store, "count"));
  CHECK(store.trouble());
  CHECK(count_of(directory.path, "count") == 1);
  CHECK_FALSE(SqliteStateStore(directory.path).trouble());
}

TEST_CASE("after deaths a file that is damaged inside is found out") {
  Directory directory;
  fill(directory);
  std::string text = text_of(directory.file());
  text.replace(text.size() / 2, 4096, 4096, '\xFF');
  write_text(directory.file(), text);
  for (std::uint32_t i = 0; i < StateLock::kMostCrashes; ++i)
    die_in_the_middle(directory, StateLock::Use::Write);
  SqliteStateStore store(directory.path);
  CHECK(add_one(store, "count"));
  REQUIRE(store.trouble());
  CHECK(store.trouble()->find("3 processes in a row died") != std::string::npos);
  CHECK(store.read(Keys{"message/99"}, kNow).at(0) == large(99));
}

TEST_CASE("a file of a later version is left alone") {
  Directory directory;
  {
    SqliteStateStore store(directory.path);
    REQUIRE(add_one(store, "count"));
  }
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(directory.file().c_str(), &db) == SQLITE_OK);
  REQUIRE(sqlite3_exec(db, "PRAGMA user_version=2", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
  const std::string text = text_of(directory.file());
  SqliteStateStore store(directory.path);
  CHECK_FALSE(add_one(store, "count"));
  REQUIRE(store.trouble());
  CHECK(*store.trouble() == directory.file() + ": it was written by a later version");
  CHECK(text_of(directory.file()) == text);
}

TEST_CASE("a directory that is missing or no directory is only trouble") {
  Directory directory;
  const std::string path = GENERATE("/nonexistent/relaypipe", "/dev/null", "/proc/self");
  SqliteStateStore store(path);
  CHECK_FALSE(add_one(store, "count"));
  REQUIRE(store.trouble());
  CHECK(store.trouble()->find(path) == 0);
}

TEST_CASE("a link in the place of a file is not followed into somebody else's file") {
  Directory directory;
  const std::string other = directory.path + "/other";
  write_text(other, "precious");
  const std::string name = GENERATE("/state.lock", "/state.db");
  std::filesystem::create_symlink(other, directory.path + name);
  SqliteStateStore store(directory.path);
  CHECK_FALSE(add_one(store, "count"));
  CHECK(store.trouble());
  CHECK(text_of(other) == "precious");
}

TEST_CASE("on a full disk nothing is lost, and the store works again when there is room") {
  Directory directory;
  {
    SqliteStateStore store(directory.path);
    REQUIRE(add_one(store, "count"));
  }
  const auto size = std::filesystem::file_size(directory.file());
  const pid_t pid = start([&] {
    // The kernel refuses to make files larger, as a full disk does.
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{size, size};
    setrlimit(RLIMIT_FSIZE, &limit);
    SqliteStateStore store(directory.path);
    bool kept = true;
    for (int i = 0; i < 50 && kept; ++i)
      kept = put(store, "relay/" + std::to_string(i), std::string(3000, 'x'));
    return !kept && store.trouble() ? 0 : 1;
  });
  CHECK(end_of(pid) == 0);
  CHECK(count_of(directory.path, "count") == 1);
  SqliteStateStore store(directory.path);
  CHECK(add_one(store, "count"));
  CHECK_FALSE(store.trouble());
}

TEST_CASE("bulk that has no room or no whole file costs nothing that lasts") {
  Directory directory;
  {
    SqliteStateStore store(directory.path);
    REQUIRE(add_one(store, "relay/quota"));
    REQUIRE(add_one(store, "message/1"));
  }
  std::filesystem::remove(directory.bulk());
  std::filesystem::create_directory(directory.bulk());
  SqliteStateStore store(directory.path);
  CHECK_FALSE(store.update(Keys{"relay/quota", "message/2"}, kNow, StateWait::Exact, [](Values& values) {
    CHECK(values[0].octets == "1");
    values[0] = {"2", kLater};
    values[1] = {"x", kLater};
  }));
  CHECK(store.trouble());
  CHECK(count_of(directory.path, "relay/quota") == 2);
  CHECK(add_one(store, "relay/quota"));
}

/// Messages as they come, `rate` in a second of their own time, each remembered for ten minutes.
bool deliver(const Directory& directory, int first, int end, int rate) {
  for (int i = first; i < end; ++i) {
    const WallTime now = kNow + Span(std::int64_t{1000} * i / rate);
    SqliteStateStore store(directory.path);
    const Keys keys{"relay/a", fmt::format("message/{:016x}", Random(static_cast<std::uint64_t>(i)).next())};
    store.read(keys, now);
    bool exact = false;
    const bool kept = store.update(keys, now, StateWait::Exact, [&](Values& values) {
      exact = values[0].octets == (i == 0 ? "" : std::to_string(i)) && values[1].octets.empty();
      values[0] = {std::to_string(i + 1), kNow + 24h * 400};
      values[1] = {std::string(150, 'x'), now + 10min};
    });
    if (!kept || !exact || store.trouble()) return false;
  }
  return true;
}

/// What a process needed, in seconds.
double cpu_of(pid_t pid) {
  int status = 0;
  struct rusage usage {};
  wait4(pid, &status, 0, &usage);
  REQUIRE(status == 0);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

TEST_CASE("what is of no use any more makes room while others write, and what lasts is kept") {
  Directory directory;
  {
    SqliteStateStore store(directory.path);
    REQUIRE(put(store, "relay/suspended", "until the administrator says", kNow, kFarFuture));
  }
  // Ten minutes are 1200 messages, so the file has had all its size after a third of them.
  REQUIRE(deliver(directory, 0, 4'000, 2));
  CHECK(std::filesystem::file_size(directory.bulk()) < 1200 * 250 * 3);
  const WallTime end = kNow + Span(2'000'000);
  SqliteStateStore store(directory.path);
  CHECK(store.list("message/", end).size() == 1199);
  CHECK(store.read(Keys{"relay/suspended"}, end).at(0) == "until the administrator says");
  CHECK(store.read(Keys{"relay/a"}, end).at(0) == "4000");
}

TEST_CASE("a million messages at full speed change nothing and forget nothing", "[.long]") {
  Directory directory;
  constexpr int kSlice = 100'000;
  std::vector<double> cpu;
  {
    SqliteStateStore store(directory.path);
    REQUIRE(put(store, "relay/suspended", "x", kNow, kFarFuture));
  }
  // 400 in a second: 240,000 of them are remembered at a time.
  for (int slice = 0; slice < 10; ++slice) {
    const pid_t pid = start([&] { return deliver(directory, slice * kSlice, (slice + 1) * kSlice, 400) ? 0 : 1; });
    cpu.push_back(cpu_of(pid));
    WARN(fmt::format("{} messages: {:.0f} us of CPU each, {} MB", (slice + 1) * kSlice, cpu.back() * 1e6 / kSlice,
                     std::filesystem::file_size(directory.bulk()) >> 20U));
  }
  CHECK(cpu.back() < 1.5 * cpu.front());
  SqliteStateStore store(directory.path);
  CHECK(store.read(Keys{"relay/a", "relay/suspended"}, kNow) == std::vector<std::string>{"1000000", "x"});
}

TEST_CASE("turns are taken with the file that has the name now, though another one is open") {
  const Directory directory;
  StateLockFile kept(directory.path);
  { const StateLock turn(kept, StateLock::Use::Write, StateLock::kBrief); }
  std::filesystem::remove(directory.lock());
  StateLockFile another(directory.path);
  std::optional<StateLock> held(std::in_place, another, StateLock::Use::Write, StateLock::kBrief);
  REQUIRE(held->error().empty());
  CHECK(StateLock(kept, StateLock::Use::Write, Span(0)).busy());
  held.reset();
  CHECK(StateLock(kept, StateLock::Use::Write, Span(0)).error().empty());
}

TEST_CASE("nobody else may read the files, and no program that is started gets one of them") {
  Directory directory;
  SqliteStateStore store(directory.path);
  REQUIRE(add_one(store, "count"));
  REQUIRE(add_one(store, "message/count"));
  for (const auto& entry : std::filesystem::directory_iterator(directory.path)) {
    struct stat status {};
    REQUIRE(stat(entry.path().c_str(), &status) == 0);
    CAPTURE(entry.path());
    CHECK((status.st_mode & 0777U) == 0600);
  }
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (gone || target.find(directory.path) != 0) continue;
    CAPTURE(target);
    CHECK((fcntl(std::stoi(entry.path().filename()), F_GETFD) & FD_CLOEXEC) != 0);
  }
}

TEST_CASE("what root makes belongs to the owner of the directory") {
  if (geteuid() != 0) return;
  Directory directory;
  constexpr uid_t kOwner = 65534;
  REQUIRE(chown(directory.path.c_str(), kOwner, kOwner) == 0);
  {
    SqliteStateStore store(directory.path);
    REQUIRE(add_one(store, "count"));
    REQUIRE(add_one(store, "message/count"));
  }
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path)) {
    struct stat status {};
    REQUIRE(stat(entry.path().c_str(), &status) == 0);
    CAPTURE(entry.path());
    CHECK(status.st_uid == kOwner);
    CHECK(status.st_gid == kOwner);
    ++files;
  }
  CHECK(files >= 3);
  // Left by an earlier version, or by a copy that root made: given back at the next look.
  REQUIRE(chown(directory.file().c_str(), 0, 0) == 0);
  CHECK(count_of(directory.path, "count") == 1);
  struct stat status {};
  REQUIRE(stat(directory.file().c_str(), &status) == 0);
  CHECK(status.st_uid == kOwner);
}

TEST_CASE("a user to whom the directory does not belong makes nothing in it") {
  if (geteuid() != 0) return;
  Directory directory;
  REQUIRE(chown(directory.path.c_str(), 65533, 65533) == 0);
  REQUIRE(chmod(directory.path.c_str(), 0777) == 0);
  const pid_t pid = start([&] {
    if (setuid(65534) != 0) return 1;
    SqliteStateStore store(directory.path);
    const bool refused = !add_one(store, "count") && store.trouble();
    return refused && store.trouble()->find("belongs to user 65533") != std::string::npos ? 0 : 2;
  });
  CHECK(end_of(pid) == 0);
  CHECK(std::filesystem::is_empty(directory.path));
}

}  // namespace
}  // namespace relaypipe
