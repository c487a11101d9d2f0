#include "io/system/change_hook.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "catch.h"

namespace relaypipe {
namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/relaypipe-hook.XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string text(const std::string& name) const {
    std::ifstream in(path + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string path;
};

TEST_CASE("the hook gets the change, a session of its own, and no descriptor of ours") {
  const Folder folder;
  const std::string script =
      "cat >\"$0/input\"; echo loud; ls /proc/self/fd | tr '\\n' ' ' >\"$0/fds\"; "
      "cut -d' ' -f6 /proc/$$/stat >\"$0/session\"; echo $$ >\"$0/pid\"";
  int pipes[2];
  REQUIRE(pipe(pipes) == 0);
  CHECK(run_detached({"/bin/sh", "-c", script, folder.path}, "{\"change\":\"down\"}\n").empty());
  // It is a child of this process, perhaps among those of other tests; a delivery would not wait. That its file is
  // there says nothing of its end.
  int status = 1;
  pid_t ended = 0;
  do {
    ended = wait(&status);
    REQUIRE(ended > 0);
  } while (folder.text("pid") != std::to_string(ended) + "\n");
  CHECK(status == 0);
  close(pipes[0]);
  close(pipes[1]);
  CHECK(folder.text("input") == "{\"change\":\"down\"}\n");
  CHECK(folder.text("session") == folder.text("pid"));
  // 0, 1, 2 and the one with which ls reads the folder.
  CHECK(folder.text("fds") == "0 1 2 3 ");
}

TEST_CASE("a hook that cannot be run is said to be so") {
  CHECK(run_detached({"/nonexistent/program"}, "x") == "No such file or directory");
  CHECK_FALSE(run_detached({}, "x").empty());
}

}  // namespace
}  // namespace relaypipe
