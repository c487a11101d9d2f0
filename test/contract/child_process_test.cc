// What a program begins with, whatever this process blocks, ignores and has open.
#include "io/base/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <array>
#include <cstdint>
#include <string>

#include "catch.h"

namespace relaypipe {
namespace {

/// SIGTERM blocked and SIGPIPE ignored, as in a delivery.
class SignalsOfADelivery {
 public:
  SignalsOfADelivery() : pipe_(signal(SIGPIPE, SIG_IGN)) {
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &before_);
  }
  ~SignalsOfADelivery() {
    sigprocmask(SIG_SETMASK, &before_, nullptr);
    signal(SIGPIPE, pipe_);
  }
  SignalsOfADelivery(const SignalsOfADelivery&) = delete;
  SignalsOfADelivery& operator=(const SignalsOfADelivery&) = delete;

 private:
  void (*pipe_)(int);
  sigset_t before_{};
};

/// What a shell prints that is started so.
std::string printed(ChildProcess child, const std::string& script) {
  auto pipe = make_pipe();
  REQUIRE(pipe);
  child.program = "/bin/sh";
  child.argv = {"sh", "-c", script};
  child.output = pipe->writer.get();
  const auto pid = child.start();
  REQUIRE(pid);
  pipe->writer.reset();
  std::string text;
  std::array<char, 4096> part;
  for (ssize_t got = 0; (got = read(pipe->reader.get(), part.data(), part.size())) > 0;)
    text.append(part.data(), static_cast<std::size_t>(got));
  int status = 1;
  REQUIRE(waitpid(*pid, &status, 0) == *pid);
  CHECK(status == 0);
  return text;
}

ChildProcess with_path() {
  ChildProcess child;
  child.environment = {"PATH=/usr/bin:/bin"};
  return child;
}

}  // namespace

TEST_CASE("a program has no signal blocked or ignored") {
  const SignalsOfADelivery signals;
  const std::string masks = printed(with_path(), "grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -f2");
  constexpr std::size_t kDigits = 16;
  REQUIRE(masks.size() == 2 * (kDigits + 1));
  // 32 and 33 are the C library's own, and whoever started the tests may have left them ignored.
  constexpr std::uint64_t kOfTheLibrary = 3ULL << 31U;
  CHECK(std::stoull(masks.substr(0, kDigits), nullptr, 16) == 0);
  CHECK((std::stoull(masks.substr(kDigits + 1, kDigits), nullptr, 16) & ~kOfTheLibrary) == 0);
}

TEST_CASE("a program has three descriptors, /dev/null where none was given") {
  const UniqueFd inherited(open("/dev/null", O_RDONLY));  // not closed on exec
  REQUIRE(inherited);
  CHECK(printed(with_path(), "readlink /proc/$$/fd/0 /proc/$$/fd/2; echo $(ls /proc/self/fd)") ==
        "/dev/null\n/dev/null\n0 1 2 3\n");
}

TEST_CASE("a program has the environment, the directory and the group it was given, and no more") {
  ChildProcess child = with_path();
  child.environment.emplace_back("ONE=1");
  child.directory = "/";
  CHECK(printed(child, "echo $ONE; echo ${HOME-none}; pwd") == "1\nnone\n/\n");
  constexpr const char* kLeads =
      "set -- $(cat /proc/$$/stat); [ $$ = $5 ] && echo group; [ $$ = $6 ] && echo session; :";
  CHECK(printed(child, kLeads).empty());
  child.group = ChildProcess::Group::Own;
  CHECK(printed(child, kLeads) == "group\n");
  child.group = ChildProcess::Group::OwnSession;
  CHECK(printed(child, kLeads) == "group\nsession\n");
}

TEST_CASE("a program that is not there is an errno") {
  ChildProcess child;
  child.program = "/nonexistent/program";
  child.argv = {"program"};
  const auto pid = child.start();
  REQUIRE_FALSE(pid);
  CHECK(pid.error() == ENOENT);
}

TEST_CASE("a descriptor has one owner") {
  int number = -1;
  {
    UniqueFd first(open("/dev/null", O_RDONLY | O_CLOEXEC));
    number = first.get();
    UniqueFd second(std::move(first));
    CHECK(second.get() == number);
    UniqueFd third;
    CHECK_FALSE(third);
    third = std::move(second);
    CHECK(fcntl(number, F_GETFD) >= 0);
    third.reset();
    CHECK(fcntl(number, F_GETFD) < 0);
    third.reset(open("/dev/null", O_RDONLY | O_CLOEXEC));
    number = third.get();
  }
  CHECK(fcntl(number, F_GETFD) < 0);
}

}  // namespace relaypipe
