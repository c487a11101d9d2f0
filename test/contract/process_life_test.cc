// Whether a process still runs, asked of the real /proc.
#include "io/process_life.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "catch.h"

namespace relaypipe {
namespace {

/// A child that stays until it is killed, and who it says it is.
struct Child {
  Child() {
    std::array<int, 2> ends{};
    REQUIRE(pipe(ends.data()) == 0);
    pid = fork();
    if (pid == 0) {
      const Owner self = ProcessLife().self();
      if (write(ends[1], &self, sizeof(self)) != sizeof(self)) _exit(1);
      for (;;)
        pause();
    }
    close(ends[1]);
    const bool told = read(ends[0], &owner, sizeof(owner)) == sizeof(owner);
    close(ends[0]);
    REQUIRE(told);
  }
  ~Child() {
    if (pid <= 0) return;
    kill(pid, SIGKILL);
    reap();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  /// Dead, but not yet waited for.
  void die() const {
    kill(pid, SIGKILL);
    siginfo_t info;
    REQUIRE(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
  }
  void reap() {
    waitpid(pid, nullptr, 0);
    pid = -1;
  }
  pid_t pid = -1;
  Owner owner;
};

TEST_CASE("this process runs, and is always the same") {
  ProcessLife life;
  const Owner self = life.self();
  CHECK(self.pid == static_cast<std::uint32_t>(getpid()));
  CHECK(self.start != 0);
  CHECK(self.boot != 0);
  CHECK(life.self() == self);
  CHECK(ProcessLife().alive(self));
}

TEST_CASE("a child runs until it is killed, whether it was waited for or not") {
  Child child;
  ProcessLife life;
  CHECK(child.owner.pid == static_cast<std::uint32_t>(child.pid));
  CHECK(life.alive(child.owner));
  child.die();
  CHECK_FALSE(life.alive(child.owner));
  child.reap();
  CHECK_FALSE(life.alive(child.owner));
}

TEST_CASE("a process that is stopped runs") {
  const Child child;
  REQUIRE(kill(child.pid, SIGSTOP) == 0);
  siginfo_t info;
  REQUIRE(waitid(P_PID, static_cast<id_t>(child.pid), &info, WSTOPPED | WNOWAIT) == 0);
  CHECK(ProcessLife().alive(child.owner));
}

TEST_CASE("another process that got its number is another one") {
  ProcessLife life;
  Owner owner = life.self();
  SECTION("started at another time") { ++owner.start; }
  SECTION("in another boot") { ++owner.boot; }
  SECTION("nobody") { owner = {}; }
  SECTION("a number nobody has") { owner.pid = UINT32_MAX; }
  CHECK_FALSE(life.alive(owner));
}

}  // namespace
}  // namespace relaypipe
