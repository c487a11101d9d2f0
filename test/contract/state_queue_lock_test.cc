// The lock of deliveries between real processes.
#include "io/state/queue_lock.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <functional>

#include "catch.h"

namespace relaypipe {
namespace {

using State = DeliveryLock::State;

struct Directory {
  Directory() {
    char name[] = "/tmp/relaypipe-lock.XXXXXX";
    path = mkdtemp(name);
  }
  ~Directory() { std::filesystem::remove_all(path); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  std::string path;
};

/// A process that takes a lock, says what it got, and stays until it is killed.
class Holder {
 public:
  Holder(const std::string& directory, const std::vector<std::string>& names) {
    std::array<int, 2> ends{};
    REQUIRE(pipe(ends.data()) == 0);
    pid_ = fork();
    if (pid_ == 0) {
      QueueLock lock(directory);
      const char got = lock.take(names) == State::Ours ? 'o' : 'a';
      if (write(ends[1], &got, 1) != 1) _exit(1);
      for (;;)
        pause();
    }
    close(ends[1]);
    char got = '?';
    REQUIRE(read(ends[0], &got, 1) == 1);
    close(ends[0]);
    state = got == 'o' ? State::Ours : State::Anothers;
  }
  ~Holder() { end(); }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  void end() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  State state = State::Ours;

 private:
  pid_t pid_ = -1;
};

TEST_CASE("a message is one process's until that ends, however it ends") {
  const Directory directory;
  Holder holder(directory.path, {"a"});
  CHECK(holder.state == State::Ours);
  QueueLock ours(directory.path);
  CHECK(ours.take({"a"}) == State::Anothers);
  CHECK(ours.take({"b"}) == State::Ours);
  CHECK(Holder(directory.path, {"b"}).state == State::Anothers);
  holder.end();
  CHECK(ours.take({"a"}) == State::Ours);
  CHECK(Holder(directory.path, {"a"}).state == State::Anothers);
  CHECK_FALSE(ours.trouble());
  CHECK(std::filesystem::file_size(directory.path + "/queue.lock") == 0);
}

TEST_CASE("all recipients or none: what could not be taken whole keeps nobody away") {
  const Directory directory;
  const Holder holder(directory.path, {"b"});
  QueueLock ours(directory.path);
  CHECK(ours.take({"a", "b", "c"}) == State::Anothers);
  CHECK(Holder(directory.path, {"a", "c"}).state == State::Ours);
}

TEST_CASE("one message's recipients may be the same") {
  const Directory directory;
  QueueLock ours(directory.path);
  CHECK(ours.take({"a", "a"}) == State::Ours);
  CHECK(ours.take({"a"}) == State::Ours);
}

TEST_CASE("the lock ends with its object") {
  const Directory directory;
  { CHECK(QueueLock(directory.path).take({"a"}) == State::Ours); }
  CHECK(Holder(directory.path, {"a"}).state == State::Ours);
}

TEST_CASE("where there can be no lock, it is ours, and it is said why") {
  const Directory directory;
  const std::string missing = directory.path + "/missing";
  QueueLock lock(missing);
  CHECK(lock.take({"a"}) == State::Ours);
  REQUIRE(lock.trouble());
  CHECK(*lock.trouble() == missing + "/queue.lock: No such file or directory");
  CHECK(lock.take({"a"}) == State::Ours);
  SECTION("a link where the file should be is not followed") {
    std::filesystem::create_symlink("/dev/null", directory.path + "/queue.lock");
    QueueLock linked(directory.path);
    CHECK(linked.take({"a"}) == State::Ours);
    CHECK(linked.trouble());
  }
}

TEST_CASE("a process that goes on locks the file that is there now, not one that was removed meanwhile") {
  const Directory directory;
  const std::vector<std::string> names{"one"};
  QueueLock lock(directory.path);
  REQUIRE(lock.take({"before"}) == State::Ours);
  lock.release();
  REQUIRE(std::filesystem::remove(directory.path + "/queue.lock"));
  Holder holder(directory.path, names);
  REQUIRE(holder.state == State::Ours);
  CHECK(lock.take(names) == State::Anothers);
  holder.end();
  CHECK(lock.take(names) == State::Ours);
}

}  // namespace
}  // namespace relaypipe
