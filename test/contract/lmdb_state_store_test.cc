// What only the real state store has to bear: several processes, their death, and every damage to its file.
#include "io/lmdb_state_store.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "base/random.h"
#include "catch.h"

/// What a damaged file took from under LMDB's feet in the middle of an operation cannot be given back to it, so the
/// store leaves it where it is (io/lmdb_state_store.h). LeakSanitizer asks for this name.
extern "C" const char* __lsan_default_suppressions() { return "leak:mdb_\n"; }

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
  [[nodiscard]] std::string file() const { return path + "/state.mdb"; }
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

bool add_one(StateStore& store, const std::string& key, WallTime now = kNow) {
  return store.update(Keys{key}, now, [&](Values& values) {
    const int count = values[0].octets.empty() ? 0 : std::stoi(values[0].octets);
    values[0] = {std::to_string(count + 1), kLater};
  });
}

int count_of(const std::string& path, const std::string& key) {
  const std::string text = LmdbStateStore(path).read(Keys{key}, kNow).at(0);
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
        LmdbStateStore store(directory.path);
        kept += add_one(store, "count") ? 1 : 0;
        kept += add_one(store, "other") ? 1 : 0;
      }
      return kept;
    }));
  }
  int kept = 0;
  for (const pid_t pid : processes) {
    const int status = end_of(pid);
    REQUIRE(WIFEXITED(status));
    kept += WEXITSTATUS(status);
  }
  // On a busy machine a process may not get the lock in its time; then it is told that nothing was kept.
  CHECK(kept > 0);
  CHECK(count_of(directory.path, "count") + count_of(directory.path, "other") == kept);
}

TEST_CASE("a killed process neither blocks the others nor damages anything") {
  Directory directory;
  LmdbStateStore survivor(directory.path);
  const auto seed = static_cast<std::uint64_t>(getpid());
  Random random(seed);
  CAPTURE(seed);
  int told = 0;
  for (int i = 0; i < 150; ++i) {
    int pipes[2];
    REQUIRE(pipe(pipes) == 0);
    const pid_t pid = start([&] {
      LmdbStateStore store(directory.path);
      for (int j = 1;; ++j) {
        if (!add_one(store, "count")) return 1;
        if (write(pipes[1], "x", 1) != 1) return 1;
      }
    });
    close(pipes[1]);
    char first = 0;
    REQUIRE(read(pipes[0], &first, 1) == 1);
    ++told;
    const timespec nap{0, static_cast<long>(random.below(300'000))};
    nanosleep(&nap, nullptr);
    kill(pid, SIGKILL);
    end_of(pid);
    for (char one = 0; read(pipes[0], &one, 1) == 1;)
      ++told;
    close(pipes[0]);
    REQUIRE(add_one(survivor, "mine"));
    REQUIRE_FALSE(survivor.trouble());
  }
  const int count = count_of(directory.path, "count");
  // What was told was kept; the last change of each may have been kept without being told.
  CHECK(count >= told);
  CHECK(count <= told + 150);
  CHECK(count_of(directory.path, "mine") == 150);
}

TEST_CASE("a process that was stopped in the middle costs the others a quarter of a second, once") {
  Directory directory;
  LmdbStateStore store(directory.path);
  REQUIRE(add_one(store, "count"));
  int pipes[2];
  REQUIRE(pipe(pipes) == 0);
  const pid_t pid = start([&] {
    const int fd = open(directory.lock().c_str(), O_RDWR);
    if (flock(fd, LOCK_EX) != 0 || write(pipes[1], "x", 1) != 1) return 1;
    raise(SIGSTOP);
    return 0;
  });
  char ready = 0;
  REQUIRE(read(pipes[0], &ready, 1) == 1);
  CHECK_FALSE(add_one(store, "count"));
  CHECK(store.trouble());
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i)
    add_one(store, "count");  // it has given up, and does not wait again
  CHECK(std::chrono::steady_clock::now() - begun < 5s);
  kill(pid, SIGKILL);
  end_of(pid);
  CHECK(count_of(directory.path, "count") == 1);
  close(pipes[0]);
  close(pipes[1]);
}

TEST_CASE("whatever happens to the file, memory begins anew and the process lives") {
  Directory directory;
  {
    LmdbStateStore store(directory.path);
    for (int i = 0; i < 200; ++i)
      REQUIRE(store.update(Keys{"relay/" + std::to_string(i)}, kNow, [&](Values& values) {
        values[0] = {std::string(static_cast<std::size_t>(i * 20), 'x'), kLater};
      }));
  }
  const std::string whole = text_of(directory.file());
  REQUIRE(whole.size() > 100'000);
  Random random(3);
  int kept = 0;
  int rounds = 0;
  const auto survives = [&](const std::string& what, const std::string& damaged) {
    write_text(directory.file(), damaged);
    const WallTime when = kNow + Span(++rounds);  // some of them look for records of no use
    const pid_t pid = start([&] {
      LmdbStateStore store(directory.path);
      for (int i = 0; i < 200; i += 7)
        store.read(Keys{"relay/" + std::to_string(i)}, kNow);
      add_one(store, "count", when);
      // The next delivery finds a file that works.
      LmdbStateStore next(directory.path);
      return add_one(next, "count", when) && !next.list("count", kNow).empty() ? 0 : 1;
    });
    CAPTURE(what);
    CHECK(end_of(pid) == 0);
    kept += LmdbStateStore(directory.path).read(Keys{"relay/1"}, kNow).at(0).empty() ? 0 : 1;
  };
  survives("empty", "");
  survives("short", "short");
  survives("text", std::string(300'000, 'A'));
  survives("zeros", std::string(300'000, '\0'));
  for (std::size_t size = 4096; size < whole.size(); size += whole.size() / 40)
    survives("cut to " + std::to_string(size), whole.substr(0, size));
  for (std::size_t page = 0; page < whole.size() / 4096; page += 3) {
    std::string damaged = whole;
    damaged.replace(page * 4096, 4096, 4096, static_cast<char>(random.below(2) == 0 ? 0xFF : 0));
    survives("page " + std::to_string(page) + " overwritten", damaged);
  }
  for (int i = 0; i < 60; ++i) {
    std::string damaged = whole;
    for (int j = 0; j < 40; ++j)
      damaged[random.below(damaged.size())] = static_cast<char>(random.next());
    survives("octets, round " + std::to_string(i), damaged);
  }
  CHECK(kept > rounds / 4);  // not everything is thrown away for one octet
}

TEST_CASE("random octets anywhere in the file never reach the memory of the process") {
  // LMDB believes the lengths it reads, when it changes a page too. Records come and go, so that there are free pages,
  // and their lists stand in the file as well.
  Directory directory;
  Random random(5);
  const auto use = [](LmdbStateStore& store, Random& draw, int times) {
    for (int i = 0; i < times; ++i)
      store.update(Keys{"message/" + std::to_string(draw.below(150))}, kNow, [&](Values& values) {
        values[0] = {std::string(draw.below(3) == 0 ? 0 : draw.below(3000), 'x'), kLater};
      });
  };
  {
    LmdbStateStore store(directory.path);
    use(store, random, 1000);
    REQUIRE_FALSE(store.trouble());
  }
  const std::string whole = text_of(directory.file());
  for (int round = 0; round < 150; ++round) {
    std::string damaged = whole;
    const std::uint64_t pieces = std::uint64_t{1} << random.below(7);
    for (std::uint64_t i = 0; i < pieces; ++i) {
      std::size_t at = random.below(damaged.size());
      const std::uint64_t octets = std::uint64_t{1} << random.below(13);
      for (std::uint64_t j = 0; j < octets && at < damaged.size(); ++j)
        damaged[at++] = static_cast<char>(random.next());
    }
    const bool before = random.below(2) == 0;  // or while it is open
    const pid_t pid = start([&] {
      LmdbStateStore store(directory.path);
      if (before) write_text(directory.file(), damaged);
      use(store, random, 2);
      if (!before) write_text(directory.file(), damaged);
      use(store, random, 40);
      LmdbStateStore next(directory.path);
      use(next, random, 10);
      return 0;
    });
    CAPTURE(round);
    CHECK(end_of(pid) == 0);
    write_text(directory.file(), whole);
    write_text(directory.lock(), std::string(1, '\0'));
  }
}

TEST_CASE("damage right after a change is seen, in the same tick of the kernel's clock too") {
  Directory directory;
  for (int round = 0; round < 50; ++round) {
    CAPTURE(round);
    {
      LmdbStateStore store(directory.path);
      REQUIRE(store.update(Keys{"other"}, kNow, [](Values& values) { values[0] = {std::string(9000, 'x'), kLater}; }));
      REQUIRE(add_one(store, "count"));
      REQUIRE_FALSE(store.trouble());
    }
    // All pages but the roots: where the free room ends decides how much of a page LMDB copies.
    const int fd = open(directory.file().c_str(), O_RDWR);
    const auto pages = static_cast<off_t>(std::filesystem::file_size(directory.file()) / 4096);
    for (off_t page = 2; page < pages; ++page)
      REQUIRE(pwrite(fd, "\xFF\xFF\xFF\xFF", 4, page * 4096 + 12) == 4);
    close(fd);
    const pid_t pid = start([&] {
      LmdbStateStore next(directory.path);
      return add_one(next, "count") && next.trouble() ? 0 : 1;
    });
    CHECK(end_of(pid) == 0);
  }
}

TEST_CASE("a change leaves a time that is not the kernel's, which a later change could share") {
  Directory directory;
  LmdbStateStore store(directory.path);
  for (int round = 0; round < 5; ++round) {
    REQUIRE(add_one(store, "count"));
    struct stat status {};
    REQUIRE(stat(directory.file().c_str(), &status) == 0);
    // The kernel gives both times of a change the same value.
    CHECK((status.st_mtim.tv_sec != status.st_ctim.tv_sec || status.st_mtim.tv_nsec != status.st_ctim.tv_nsec));
  }
}

TEST_CASE("a file that is whole is never taken for a damaged one") {
  Directory directory;
  Random random(7);
  for (int round = 0; round < 40; ++round) {
    LmdbStateStore store(directory.path);
    for (int i = 0; i < 100; ++i) {
      const std::uint64_t longest = std::uint64_t{1} << random.below(16);  // some need pages of their own
      const bool removes = random.below(3) == 0;
      store.update(Keys{"message/" + std::to_string(random.below(300)), "relay/" + std::to_string(random.below(9))},
                   kNow, [&](Values& values) {
                     values[0] = {std::string(removes ? 0 : random.below(longest) + 1, 'x'), kLater};
                     values[1] = {std::string(random.below(500), 'y'), kLater};
                   });
    }
    CAPTURE(round);
    REQUIRE_FALSE(store.trouble());
  }
  CHECK_FALSE(std::filesystem::exists(directory.file() + ".damaged"));
}

TEST_CASE("a file that is cut while it is open is begun anew") {
  Directory directory;
  LmdbStateStore store(directory.path);
  for (int i = 0; i < 100; ++i)
    REQUIRE(store.update(Keys{"relay/" + std::to_string(i)}, kNow, [](Values& values) {
      values[0] = {std::string(1000, 'x'), kLater};
    }));
  REQUIRE(truncate(directory.file().c_str(), 8192) == 0);
  for (int i = 0; i < 100; ++i)
    store.read(Keys{"relay/" + std::to_string(i)}, kNow);
  CHECK(store.trouble());
  CHECK(std::filesystem::exists(directory.file() + ".damaged"));
  CHECK(add_one(store, "count"));
  LmdbStateStore next(directory.path);
  CHECK(add_one(next, "count"));
  CHECK_FALSE(next.trouble());
}

TEST_CASE("a file that kills those who use it is put aside") {
  Directory directory;
  {
    LmdbStateStore store(directory.path);
    REQUIRE(add_one(store, "count"));
  }
  write_text(directory.lock(), std::string(1, LmdbStateStore::kMostCrashes));
  LmdbStateStore store(directory.path);
  CHECK(add_one(store, "count"));
  CHECK(store.trouble());
  CHECK(count_of(directory.path, "count") == 1);
  CHECK_FALSE(LmdbStateStore(directory.path).trouble());
}

TEST_CASE("a file of a later version is left alone") {
  Directory directory;
  {
    LmdbStateStore store(directory.path);
    REQUIRE(add_one(store, "count"));
  }
  std::string text = text_of(directory.file());
  const std::string name = "format";
  std::size_t at = text.find(name);
  REQUIRE(at != std::string::npos);
  for (; at != std::string::npos; at = text.find(name, at + 1))
    text[at + name.size()] = 9;  // the number follows its name, least octet first
  write_text(directory.file(), text);
  LmdbStateStore store(directory.path);
  CHECK_FALSE(add_one(store, "count"));
  REQUIRE(store.trouble());
  CHECK(store.trouble()->find("later version") != std::string::npos);
  CHECK(text_of(directory.file()) == text);
}

TEST_CASE("a directory that is missing or no directory is only trouble") {
  Directory directory;
  const std::string path = GENERATE("/nonexistent/relaypipe", "/dev/null", "/proc/self");
  LmdbStateStore store(path);
  CHECK_FALSE(add_one(store, "count"));
  REQUIRE(store.trouble());
  CHECK(store.trouble()->find(path) == 0);
}

TEST_CASE("a link in the place of the lock or the file is not followed into somebody else's file") {
  Directory directory;
  const std::string other = directory.path + "/other";
  write_text(other, "precious");
  std::filesystem::create_symlink(other, directory.lock());
  LmdbStateStore store(directory.path);
  CHECK_FALSE(add_one(store, "count"));
  CHECK(text_of(other) == "precious");
}

TEST_CASE("on a full disk nothing is lost, and memory works again when there is room") {
  Directory directory;
  {
    LmdbStateStore store(directory.path);
    REQUIRE(add_one(store, "count"));
  }
  const auto size = std::filesystem::file_size(directory.file());
  const pid_t pid = start([&] {
    // The kernel refuses to make files larger, as a full disk does.
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{size, size};
    setrlimit(RLIMIT_FSIZE, &limit);
    LmdbStateStore store(directory.path);
    bool kept = true;
    for (int i = 0; i < 50 && kept; ++i)
      kept = store.update(Keys{"relay/" + std::to_string(i)}, kNow, [](Values& values) {
        values[0] = {std::string(3000, 'x'), kLater};
      });
    return !kept && store.trouble() ? 0 : 1;
  });
  CHECK(end_of(pid) == 0);
  CHECK(count_of(directory.path, "count") == 1);
  LmdbStateStore store(directory.path);
  CHECK(add_one(store, "count"));
  CHECK_FALSE(store.trouble());
}

TEST_CASE("a file that is full makes room of what nobody needs any more") {
  Directory directory;
  LmdbStateStore store(directory.path);
  const std::string large(100'000, 'x');
  for (int i = 0; i < 300; ++i) {
    REQUIRE(store.update(Keys{"old/" + std::to_string(i)}, kNow + 1ms, [&](Values& values) {
      values[0] = {large, kNow + 1h};
    }));
  }
  LmdbStateStore later(directory.path);
  for (int i = 0; i < 300; ++i) {
    REQUIRE(later.update(Keys{"new/" + std::to_string(i)}, kNow + 2h + 1ms, [&](Values& values) {
      values[0] = {large, kLater};
    }));
  }
  CHECK_FALSE(later.trouble());
  CHECK(later.list("new/", kNow).size() == 300);
  CHECK(later.list("old/", kNow).empty());
}

TEST_CASE("a file that is full of what is needed is begun anew") {
  Directory directory;
  LmdbStateStore store(directory.path);
  const std::string large(100'000, 'x');
  for (int i = 0; i < 450; ++i) {
    REQUIRE(store.update(Keys{"relay/" + std::to_string(i)}, kNow + 1ms, [&](Values& values) {
      values[0] = {large, kLater};
    }));
  }
  REQUIRE(store.trouble());
  CHECK(store.trouble()->find("full") != std::string::npos);
  CHECK_FALSE(store.read(Keys{"relay/449"}, kNow).at(0).empty());
}

TEST_CASE("nobody else may read the files") {
  Directory directory;
  LmdbStateStore store(directory.path);
  REQUIRE(add_one(store, "count"));
  for (const std::string& file : {directory.file(), directory.lock()}) {
    struct stat status {};
    REQUIRE(stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600);
  }
}

}  // namespace
}  // namespace relaypipe
