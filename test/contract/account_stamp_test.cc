// What tells credentials from those that were there before, over real files.
#include "io/credentials/stamp.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "catch.h"

namespace relaypipe {
namespace {

struct Directory {
  Directory() {
    char name[] = "/tmp/relaypipe-stamp.XXXXXX";
    path = mkdtemp(name);
  }
  ~Directory() { std::filesystem::remove_all(path); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  std::string path;
};

void write_text(const std::string& file, const std::string& text) { std::ofstream(file, std::ios::trunc) << text; }

/// As if it had been changed a while ago: a change is seen however coarse the file system's clock is.
void age(const std::string& file) {
  const timespec times[2] = {{0, UTIME_OMIT}, {1'700'000'000, 0}};
  REQUIRE(utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
}

TEST_CASE("the stamp changes with the credentials, and with nothing else") {
  const Directory directory;
  const std::string file = directory.path + "/secret";
  write_text(file, "one\n");
  age(file);
  AccountConfig account;
  account.username = "user";
  const bool map = GENERATE(false, true);
  (map ? account.password_map : account.password_file) = file;
  const std::uint64_t before = account_stamp(account);
  SECTION("reading changes nothing") {
    std::string text;
    std::ifstream(file) >> text;
    CHECK(text == "one");
    CHECK(account_stamp(account) == before);
  }
  SECTION("rewritten in place, same length") {
    write_text(file, "two\n");
    CHECK(account_stamp(account) != before);
  }
  SECTION("replaced, with the old one's times") {
    write_text(file + ".new", "two\n");
    age(file + ".new");
    std::filesystem::rename(file + ".new", file);
    CHECK(account_stamp(account) != before);
  }
  SECTION("removed, and back") {
    std::filesystem::remove(file);
    const std::uint64_t gone = account_stamp(account);
    CHECK(gone != before);
    write_text(file, "one\n");
    CHECK(account_stamp(account) != gone);
  }
  SECTION("another user") {
    account.username = "other";
    CHECK(account_stamp(account) != before);
  }
}

TEST_CASE("of a command only the command itself counts") {
  AccountConfig account;
  account.password_command = {"/bin/false", "a"};
  const std::uint64_t before = account_stamp(account);
  CHECK(account_stamp(account) == before);
  account.password_command = {"/bin/false", "b"};
  CHECK(account_stamp(account) != before);
}

TEST_CASE("the files of tokens count") {
  const Directory directory;
  const std::string file = directory.path + "/token";
  AccountConfig account;
  account.oauth2.emplace();
  const int which = GENERATE(0, 1, 2);
  Oauth2Config& oauth2 = *account.oauth2;
  (which == 0 ? oauth2.token_file : which == 1 ? oauth2.client_secret_file : oauth2.refresh_token_file) = file;
  const std::uint64_t before = account_stamp(account);
  write_text(file, "one");
  CHECK(account_stamp(account) != before);
}

TEST_CASE("the stamp of a relay changes with its settings, and with the files for TLS") {
  const Directory directory;
  RelaySettings settings;
  settings.tls_more.ca_path = "";
  settings.tls_more.ca_file = directory.path + "/ca.pem";
  Relay relay;
  relay.settings = &settings;
  const auto stamp = [&] { return relay_stamp(relay, RunSettings()); };
  const std::uint64_t missing = stamp();
  CHECK(stamp() == missing);
  write_text(settings.tls_more.ca_file, "one\n");
  age(settings.tls_more.ca_file);
  const std::uint64_t there = stamp();
  CHECK(there != missing);
  write_text(settings.tls_more.ca_file, "two\n");
  const std::uint64_t changed = stamp();
  CHECK(changed != there);
  settings.tls = TlsLevel::None;
  CHECK(stamp() != changed);
}

}  // namespace
}  // namespace relaypipe
