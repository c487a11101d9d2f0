// Where log lines go: a file, the syslog daemon, or postlog(1).
#include "command/wiring/mail_log.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "catch.h"

namespace relaypipe {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::Matches;

constexpr auto kInfo = Journal::Level::Info;

struct Directory {
  Directory() {
    char name[] = "/tmp/relaypipe-log.XXXXXX";
    path = mkdtemp(name);
    settings.syslog_socket = path + "/syslog";
    settings.log_file = path + "/file";
  }
  ~Directory() { std::filesystem::remove_all(path); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  [[nodiscard]] std::string text(const std::string& name) const {
    std::ifstream in(path + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void make(const std::string& name, const std::string& content = "") const {
    std::ofstream(path + "/" + name) << content;
  }
  /// A set-group-ID program that keeps what it is given.
  [[nodiscard]] std::string postlog(mode_t mode) const {
    make("postlog", "#!/bin/sh\ncat >" + path + "/input; echo \"$*\" >" + path + "/words\n");
    chmod((path + "/postlog").c_str(), mode);
    return path + "/postlog";
  }

  std::string path;
  RunSettings settings;
};

/// The syslog daemon's end of the socket.
class Daemon {
 public:
  explicit Daemon(const std::string& path) : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    REQUIRE(bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Daemon() { close(socket_); }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  [[nodiscard]] std::string line() const {
    std::array<char, 4096> buffer{};
    const ssize_t count = recv(socket_, buffer.data(), buffer.size(), 0);
    return count < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(count));
  }

 private:
  int socket_;
};

TEST_CASE("lines are appended to a file in the form of the mail log, and not sent to syslog") {
  const Directory directory;
  const Daemon daemon(directory.settings.syslog_socket);
  directory.make("file", "before\n");
  {
    MailLog log(directory.settings, "");
    log.line(kInfo, "4Xyz: one\nforged");
    log.line(Journal::Level::Warning, "4Xyz: two");
  }
  CHECK_THAT(
      directory.text("file"),
      Matches("before\n[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d [^ .]+ postfix/relaypipe\\[\\d+\\]: 4Xyz: one "
              "forged\n[^\n]*: 4Xyz: two\n"));
  CHECK(daemon.line().empty());
  CHECK_FALSE(log_problem(directory.settings, ""));
}

TEST_CASE("a file that cannot be written is told, and the lines go to syslog") {
  Directory directory;
  const Daemon daemon(directory.settings.syslog_socket);
  const int which = GENERATE(0, 1, 2);
  const std::array<std::string, 3> files = {directory.path + "/absent/file", directory.path, "/dev/stdin"};
  directory.settings.log_file = files.at(static_cast<std::size_t>(which));
  CAPTURE(directory.settings.log_file);
  MailLog(directory.settings, "").line(kInfo, "4Xyz: one");
  CHECK_THAT(daemon.line(), ContainsSubstring("postfix/relaypipe[") && ContainsSubstring("]: 4Xyz: one"));
  const auto problem = log_problem(directory.settings, "");
  REQUIRE(problem);
  CHECK_THAT(*problem, ContainsSubstring("log_file " + directory.settings.log_file) &&
                           ContainsSubstring("to the system's log instead"));
}

TEST_CASE("where nobody listens for syslog, Postfix's log gets the lines together at the end") {
  Directory directory;
  directory.settings.log_file.clear();
  const std::string program = directory.postlog(02755);
  CHECK_FALSE(log_problem(directory.settings, program));
  {
    MailLog log(directory.settings, program);
    log.line(kInfo, "4Xyz: one");
    log.line(kInfo, "4Xyz: two");
    CHECK(directory.text("input").empty());
  }
  while (directory.text("words").empty()) {
    int status = 1;
    REQUIRE(wait(&status) > 0);
  }
  CHECK(directory.text("input") == "4Xyz: one\n4Xyz: two\n");
  CHECK(directory.text("words") == "-i -p info -t postfix/relaypipe\n");
}

TEST_CASE("a postlog that is not set-group-ID is not run, and that lines are lost is told") {
  Directory directory;
  directory.settings.log_file.clear();
  const std::string program = directory.postlog(0755);
  MailLog(directory.settings, program).line(kInfo, "4Xyz: one");
  while (wait(nullptr) > 0) {
  }
  CHECK(directory.text("words").empty());
  const auto problem = log_problem(directory.settings, program);
  REQUIRE(problem);
  CHECK_THAT(*problem, ContainsSubstring("nobody listens there; nothing is logged: write for example log_file = "));
}

}  // namespace
}  // namespace relaypipe
