#include "io/base/file_stamp.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include "catch.h"

namespace relaypipe {
namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/relaypipe-stamp.XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  /// Writes a file anew, in its place, with the modification time of the others.
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    const std::string file = path + "/" + name;
    std::ofstream(file) << text;
    set_time(file, 0);
    return file;
  }
  static void set_time(const std::string& file, long nanoseconds) {
    const std::array<timespec, 2> times{{{1'700'000'000, nanoseconds}, {1'700'000'000, nanoseconds}}};
    REQUIRE(utimensat(AT_FDCWD, file.c_str(), times.data(), 0) == 0);
  }
  std::string path;
};

TEST_CASE("the stamp of a file that nobody touches stays") {
  const Folder folder;
  const std::string file = folder.write("a", "one");
  CHECK_FALSE(file_stamp(file).empty());
  CHECK(file_stamp(file) == file_stamp(file));
  CHECK(file_identity(file) == file_identity(file));
}

TEST_CASE("a file that is not there has no stamp, and one that comes has") {
  const Folder folder;
  const std::string file = folder.path + "/a";
  CHECK(file_stamp(file).empty());
  CHECK(file_identity(file).empty());
  CHECK_FALSE(file_stamp(folder.write("a", "")).empty());
  CHECK_FALSE(file_identity(file).empty());
}

TEST_CASE("a change of the content changes the stamp, and not the identity") {
  const Folder folder;
  const std::string file = folder.write("a", "one");
  const std::string stamp = file_stamp(file);
  const std::string identity = file_identity(file);
  SECTION("another size") { REQUIRE(folder.write("a", "three") == file); }
  SECTION("another time, by nanoseconds") { Folder::set_time(file, 1); }
  CHECK(file_stamp(file) != stamp);
  CHECK(file_identity(file) == identity);
}

TEST_CASE("another file in its place, of the same size and time, changes both") {
  const Folder folder;
  const std::string file = folder.write("a", "one");
  const std::string stamp = file_stamp(file);
  const std::string identity = file_identity(file);
  std::filesystem::rename(folder.write("b", "two"), file);
  CHECK(file_stamp(file) != stamp);
  CHECK(file_identity(file) != identity);
}

TEST_CASE("the file behind a symbolic link is what counts") {
  const Folder folder;
  const std::string file = folder.write("a", "one");
  const std::string link = folder.path + "/link";
  std::filesystem::create_symlink(file, link);
  CHECK(file_stamp(link) == file_stamp(file));
  CHECK(file_identity(link) == file_identity(file));
  std::filesystem::remove(link);
  std::filesystem::create_symlink(folder.write("b", "two"), link);
  CHECK(file_identity(link) != file_identity(file));
}

}  // namespace
}  // namespace relaypipe
