#include "io/system/spool.h"

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "catch.h"

namespace relaypipe {
namespace {

using Catch::Matchers::StartsWith;

struct Folder {
  Folder() {
    char name[] = "/tmp/relaypipe-spool.XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] bool empty() const { return std::filesystem::is_empty(path); }
  std::string path;
};

/// All that can be read, in as many parts as it comes.
std::string content_of(Spool& spool) {
  std::string content;
  for (std::string_view part = spool.read(0); !part.empty(); part = spool.read(content.size()))
    content += part;
  return content;
}

std::string lines(std::size_t count, const std::string& end) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i)
    text += "a line of a long message, number " + std::to_string(i) + end;
  return text;
}

TEST_CASE("a content is kept in wire form, however it is cut, in memory or in a file") {
  const std::string message = "Subject: x\n\n.dot\nbare\rreturn\r\nend without line end";
  const std::string wire = "Subject: x\r\n\r\n..dot\r\nbare return\r\nend without line end\r\n";
  const std::size_t memory = GENERATE(1000U, 0U, 20U);
  const Folder folder;
  for (std::size_t cut = 0; cut <= message.size(); ++cut) {
    Spool spool({998, memory, folder.path});
    CHECK(spool.state() == Spool::State::Reading);
    spool.add(std::string_view(message).substr(0, cut));
    spool.add(std::string_view(message).substr(cut));
    CHECK(spool.state() == Spool::State::Reading);
    spool.end();
    CHECK(spool.state() == Spool::State::Complete);
    CHECK(content_of(spool) == wire);
    CHECK(spool.read(7).substr(0, 4) == ": x\r");
    CHECK(spool.read(wire.size()).empty());
  }
  CHECK(folder.empty());
}

TEST_CASE("a content longer than any part that is read at once comes back whole, and leaves no file") {
  const std::size_t memory = GENERATE(100UL, 10'000'000UL);
  const Folder folder;
  {
    Spool spool({998, memory, folder.path});
    for (int i = 0; i < 4; ++i)
      spool.add(lines(2000, "\n"));
    CHECK(folder.empty());  // the file has no name
    spool.end();
    const std::string part = lines(2000, "\r\n");
    CHECK(content_of(spool) == part + part + part + part);
    CHECK(spool.read(part.size()).substr(0, 40) == part.substr(0, 40));
  }
  CHECK(folder.empty());
}

TEST_CASE("a content without an octet is whole too") {
  Spool spool({998, 0, "/nonexistent"});
  spool.end();
  CHECK(spool.state() == Spool::State::Complete);
  CHECK(spool.read(0).empty());
}

TEST_CASE("a content that cannot be had has failed for good, with the first words about it") {
  Spool spool({998, 1000, "/nonexistent"});
  spool.add("Subject: x\n");
  spool.fail("the client is gone");
  spool.add("more\n");
  spool.end();
  CHECK(spool.state() == Spool::State::Failed);
  CHECK(spool.failure() == "the client is gone");
}

TEST_CASE("a directory where no file can be made fails what does not fit into memory") {
  Spool spool({998, 10, "/nonexistent"});
  spool.add("short\n");
  CHECK(spool.state() == Spool::State::Reading);
  spool.add("and more\n");
  CHECK(spool.state() == Spool::State::Failed);
  CHECK_THAT(spool.failure(), StartsWith("cannot make a file in /nonexistent: "));
  spool.end();
  CHECK(spool.state() == Spool::State::Failed);
}

}  // namespace
}  // namespace relaypipe
