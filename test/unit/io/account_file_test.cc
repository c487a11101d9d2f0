// Files that hold secrets: whose they may be, and what is made of their content.
#include "io/credentials/file.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "catch.h"

using namespace relaypipe;

namespace {

class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "relaypipe-secret-XXXXXX";
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    const std::string path = path_ / name;
    std::ofstream(path, std::ios::binary) << text;
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    return path;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

std::string secret_of(const Result<Secret, std::string>& read) {
  return read ? std::string(read->reveal()) : "error: " + read.error();
}

constexpr uid_t kMe = 1000;
constexpr gid_t kMine = 1000;
constexpr gid_t kMineToo = 2000;
constexpr gid_t kForeign = 3000;

}  // namespace

TEST_CASE("the rights of a file with a secret", "[account_file]") {
  struct Row {
    mode_t mode;
    uid_t owner;
    gid_t group;
    const char* problem;  ///< empty: fine
    const char* as_credential;
    const char* to_administrator;
  };
  const char* const kEverybody = "may be read or written by everybody; chmod o-rwx it";
  const char* const kWriting = "may be written by its group; chmod g-w it";
  const char* const kReading = "may be read by group 3000, which is none of the user that delivers; chmod g-r it";
  const char* const kOwner = "belongs to user 1001; chown it to root or to the user that delivers";
  const Row row = GENERATE_COPY(
      Row{S_IFREG | 0600, kMe, kMine, "", "", ""}, Row{S_IFREG | 0400, 0, 0, "", "", ""},
      Row{S_IFREG | 0640, 0, kMine, "", "", ""}, Row{S_IFREG | 0440, kMe, kMineToo, "", "", ""},
      Row{S_IFREG | 0640, 0, kForeign, kReading, "", ""}, Row{S_IFREG | 0660, 0, kMine, kWriting, "", kWriting},
      Row{S_IFREG | 0620, 0, kForeign, kWriting, "", kWriting},
      Row{S_IFREG | 0604, kMe, kMine, kEverybody, kEverybody, kEverybody},
      Row{S_IFREG | 0602, kMe, kMine, kEverybody, kEverybody, kEverybody},
      Row{S_IFREG | 0600, 1001, kMine, kOwner, kOwner, ""},
      Row{S_IFDIR | 0700, kMe, kMine, "is a directory; write the name of a file",
          "is a directory; write the name of a file", "is a directory; write the name of a file"},
      Row{S_IFIFO | 0600, kMe, kMine, "is not a regular file", "is not a regular file", "is not a regular file"});
  struct stat status {};
  status.st_mode = row.mode;
  status.st_uid = row.owner;
  status.st_gid = row.group;
  const FileReader reader{kMe, {kMine, kMineToo}};
  const FileReader administrator{0, {0}, true};
  CAPTURE(row.mode, row.owner, row.group);
  CHECK(secret_rights_problem(status, reader, false).value_or("") == row.problem);
  CHECK(secret_rights_problem(status, reader, true).value_or("") == row.as_credential);
  CHECK(secret_rights_problem(status, administrator, false).value_or("") == row.to_administrator);
}

TEST_CASE("others may read what only root can replace, and nobody write", "[account_file]") {
  const auto [mode, owner, fine] = GENERATE(table<mode_t, uid_t, bool>({{0444, 0, true},
                                                                        {0404, 0, true},
                                                                        {0644, 0, false},
                                                                        {0464, 0, false},
                                                                        {0446, 0, false},
                                                                        {0555, 0, false},
                                                                        {0444, kMe, false}}));
  struct stat status {};
  status.st_mode = S_IFREG | mode;
  status.st_uid = owner;
  CAPTURE(mode, owner);
  CHECK(secret_rights_problem(status, {kMe, {kMine}}, false, true).has_value() != fine);
  CHECK(secret_rights_problem(status, {kMe, {kMine}}, false, false).has_value());
}

TEST_CASE("a secret is the one line of its file", "[account_file]") {
  const Folder folder;
  const FileReader self = FileReader::self();
  const auto read = [&](const std::string& text) { return secret_of(read_secret_file(folder.write("s", text), self)); };
  const std::string wrong = "error: " + folder.path("s");
  CHECK(read("secret") == "secret");
  CHECK(read("secret\n") == "secret");
  CHECK(read("secret\r\n\n") == "secret");
  CHECK(read(" se cret \n") == " se cret ");
  CHECK(read("") == wrong + " is empty");
  CHECK(read("\n") == wrong + " is empty");
  CHECK(read("one\ntwo\n") == wrong + " holds more than one line");
  CHECK(read(std::string("a\0b", 3)) == wrong + " holds more than one line");
  CHECK(read(std::string(kLongestSecret, 'x')) == std::string(kLongestSecret, 'x'));
  CHECK(read(std::string(kLongestSecret + 1, 'x')) == wrong + " is larger than 16384 octets");
}

TEST_CASE("what cannot be read is told with the path and without its content", "[account_file]") {
  const Folder folder;
  const FileReader self = FileReader::self();
  CHECK(secret_of(read_secret_file(folder.path("none"), self)) ==
        "error: " + folder.path("none") + " cannot be opened: No such file or directory");
  CHECK(secret_of(read_secret_file(folder.path(""), self)).find("is a directory") != std::string::npos);
  const std::string open = folder.write("open", "hunter2\n", 0644);
  CHECK(secret_of(read_secret_file(open, self)) ==
        "error: " + open + " may be read or written by everybody; chmod o-rwx it");
  const std::string fifo = folder.path("fifo");
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(secret_of(read_secret_file(fifo, self)) == "error: " + fifo + " is not a regular file");
}

TEST_CASE("credentials of systemd", "[account_file]") {
  const Folder folder;
  const FileReader self = FileReader::self();
  const std::string path = "${CREDENTIALS_DIRECTORY}/relay";
  ::unsetenv("CREDENTIALS_DIRECTORY");
  const std::string missing = secret_of(read_secret_file(path, self));
  CHECK(missing.find(path + ": CREDENTIALS_DIRECTORY is not set") != std::string::npos);
  // As systemd shows a file that an access list opens for the service.
  static_cast<void>(folder.write("relay", "secret\n", 0440));
  ::setenv("CREDENTIALS_DIRECTORY", folder.path("").c_str(), 1);
  CHECK(secret_of(read_secret_file(path, self)) == "secret");
  CHECK(*expand_secret_path("/etc/x") == "/etc/x");
  ::unsetenv("CREDENTIALS_DIRECTORY");
}

TEST_CASE("memory with secrets is in no core file", "[account_file]") {
  const pid_t child = ::fork();
  if (child == 0) {
    hide_memory();
    rlimit core{1, 1};
    const bool none = ::getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0;
    ::_exit(none && ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}
