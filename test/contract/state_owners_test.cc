// Whether a process still runs, as the kernel tells it in spite of everything that hides processes from one another.
#include "io/state/owners.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <functional>

#include "catch.h"

namespace relaypipe {
namespace {

constexpr uid_t kDeliverer = 65534;

struct Directory {
  Directory() {
    char name[] = "/tmp/relaypipe-owners.XXXXXX";
    path = mkdtemp(name);
  }
  ~Directory() { std::filesystem::remove_all(path); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  [[nodiscard]] std::string file() const { return path + "/owners.lock"; }
  std::string path;
};

using Prepare = std::function<bool()>;

bool plain() { return true; }

/// A process that takes something, says who it is, and stays until it is killed.
class Child {
 public:
  explicit Child(const std::string& directory, const Prepare& prepare = plain) {
    std::array<int, 2> ends{};
    REQUIRE(pipe(ends.data()) == 0);
    pid_ = fork();
    if (pid_ == 0) {
      if (!prepare()) _exit(1);
      StateOwners owners(directory);
      owner = owners.self();
      if (owners.trouble() || write(ends[1], &owner, sizeof owner) != sizeof owner) _exit(1);
      close(ends[1]);
      for (;;)
        pause();
    }
    close(ends[1]);
    told = read(ends[0], &owner, sizeof owner) == sizeof owner;
    close(ends[0]);
  }
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  void signal(int number, int options) const {
    kill(pid_, number);
    siginfo_t info;
    REQUIRE(waitid(P_PID, static_cast<id_t>(pid_), &info, options | WNOWAIT) == 0);
  }
  Owner owner;
  bool told = false;

 private:
  pid_t pid_ = -1;
};

/// What another process says of an owner: it runs (0), it does not (1), or it cannot tell (2).
int seen_by(const std::string& directory, const Owner& owner, const Prepare& prepare = plain) {
  const pid_t pid = fork();
  if (pid == 0) {
    if (!prepare()) _exit(3);
    StateOwners owners(directory);
    const bool alive = owners.alive(owner);
    _exit(owners.trouble() ? 2 : alive ? 0 : 1);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

constexpr int kRuns = 0;
constexpr int kEnded = 1;

TEST_CASE("this process runs, and is always the same") {
  const Directory directory;
  StateOwners owners(directory.path);
  const Owner self = owners.self();
  CHECK(self.token != 0);
  CHECK(owners.self() == self);
  CHECK(owners.alive(self));
  CHECK(StateOwners(directory.path).alive(self));
  CHECK(seen_by(directory.path, self) == kRuns);
  CHECK_FALSE(owners.trouble());
  CHECK(std::filesystem::file_size(directory.file()) == 0);
}

TEST_CASE("a child runs until it is killed, waited for or not, stopped or not") {
  const Directory directory;
  const Child child(directory.path);
  REQUIRE(child.told);
  StateOwners owners(directory.path);
  CHECK(owners.alive(child.owner));
  CHECK(owners.self() != child.owner);
  child.signal(SIGSTOP, WSTOPPED);
  CHECK(owners.alive(child.owner));
  child.signal(SIGKILL, WEXITED);
  CHECK_FALSE(owners.alive(child.owner));
}

TEST_CASE("nobody, and numbers that nobody has, do not run") {
  const Directory directory;
  StateOwners owners(directory.path);
  CHECK_FALSE(owners.alive({}));
  CHECK_FALSE(owners.alive({1}));
  CHECK_FALSE(owners.alive({UINT64_MAX}));
  CHECK_FALSE(owners.alive({UINT64_MAX >> 2U}));
  CHECK_FALSE(owners.trouble());
}

TEST_CASE("a program that was started keeps nobody alive") {
  const Directory directory;
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  Owner owner;
  pid_t program = -1;
  const pid_t pid = fork();
  if (pid == 0) {
    StateOwners owners(directory.path);
    owner = owners.self();
    program = fork();
    if (program == 0) {
      dup2(ends[1], 7);
      execl("/bin/sleep", "sleep", "60", static_cast<char*>(nullptr));
      _exit(1);
    }
    // exec() has happened when its descriptor is gone; the pipe's copies are not closed on exec.
    std::string name = "/proc/" + std::to_string(program) + "/comm";
    for (int i = 0; i < 1000; ++i) {
      std::array<char, 16> comm{};
      const int fd = open(name.c_str(), O_RDONLY | O_CLOEXEC);
      const bool started = fd >= 0 && read(fd, comm.data(), 5) == 5 && std::string(comm.data(), 5) == "sleep";
      close(fd);
      if (started) break;
      usleep(10'000);
    }
    if (write(ends[1], &owner, sizeof owner) < 0 || write(ends[1], &program, sizeof program) < 0) _exit(1);
    _exit(0);
  }
  REQUIRE(read(ends[0], &owner, sizeof owner) == sizeof owner);
  REQUIRE(read(ends[0], &program, sizeof program) == sizeof program);
  waitpid(pid, nullptr, 0);
  CHECK(kill(program, 0) == 0);
  CHECK_FALSE(StateOwners(directory.path).alive(owner));
  kill(program, SIGKILL);
  close(ends[0]);
  close(ends[1]);
}

/// A mount namespace of its own, so that nothing it does to /proc is seen elsewhere.
bool own_mounts() {
  return unshare(CLONE_NEWNS) == 0 && mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

bool proc_with(const char* options) { return own_mounts() && mount("proc", "/proc", "proc", 0, options) == 0; }

bool without_proc() { return own_mounts() && mount("none", "/proc", "tmpfs", 0, nullptr) == 0; }

/// A process that changes its user forgets with whom it has to die.
bool as_deliverer() {
  return setgid(kDeliverer) == 0 && setuid(kDeliverer) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
}

/// As under `unshare --pid --fork --mount-proc`: the process that goes on is the first of its namespace.
bool own_pids() {
  if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) return false;
  const pid_t pid = fork();
  if (pid != 0) {
    int status = 0;
    waitpid(pid, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 3);
  }
  return mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("proc", "/proc", "proc", 0, nullptr) == 0;
}

struct Hiding {
  const char* name;
  Prepare holder;
  Prepare looker;
};

TEST_CASE("a process runs though it is hidden, and ends though it is hidden") {
  if (geteuid() != 0) return;
  const auto hidden_proc = [](const char* options) { return [=] { return proc_with(options) && as_deliverer(); }; };
  const auto hiding = GENERATE_COPY(
      Hiding{"each in a pid namespace of its own", [] { return own_pids() && as_deliverer(); },
             [] { return own_pids() && as_deliverer(); }},
      Hiding{"only the holder in a pid namespace", [] { return own_pids() && as_deliverer(); }, as_deliverer},
      Hiding{"hidepid=2", as_deliverer, hidden_proc("hidepid=2")},
      Hiding{"subset=pid", hidden_proc("subset=pid"), hidden_proc("subset=pid")},
      Hiding{"subset=pid only inside", hidden_proc("subset=pid"), as_deliverer},
      Hiding{"no /proc", [] { return without_proc() && as_deliverer(); },
             [] { return without_proc() && as_deliverer(); }},
      Hiding{"not dumpable", [] { return as_deliverer() && prctl(PR_SET_DUMPABLE, 0) == 0; }, hidden_proc("hidepid=2")},
      Hiding{"root looks at a user's", as_deliverer, plain}, Hiding{"a user looks at root's", plain, as_deliverer});
  CAPTURE(hiding.name);
  const Directory directory;
  REQUIRE(chown(directory.path.c_str(), kDeliverer, kDeliverer) == 0);
  Owner owner;
  {
    const Child child(directory.path, hiding.holder);
    REQUIRE(child.told);
    owner = child.owner;
    CHECK(seen_by(directory.path, owner, hiding.looker) == kRuns);
  }
  // The first process of a namespace is killed when its parent, which is the child here, has died.
  int seen = kRuns;
  for (int i = 0; i < 500 && seen == kRuns; ++i) {
    seen = seen_by(directory.path, owner, hiding.looker);
    if (seen == kRuns) usleep(10'000);
  }
  CHECK(seen == kEnded);
}

TEST_CASE("where there can be no lock, that is said") {
  const Directory directory;
  StateOwners owners(directory.path + "/missing");
  const Owner self = owners.self();
  CHECK(self.token != 0);
  CHECK(owners.alive(self));
  CHECK_FALSE(owners.alive({1}));
  REQUIRE(owners.trouble());
  CHECK(*owners.trouble() == directory.path + "/missing/owners.lock: No such file or directory");
}

}  // namespace
}  // namespace relaypipe
