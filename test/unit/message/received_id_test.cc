#include "message/received_id.h"

#include <string>
#include <string_view>

#include "catch.h"

namespace relaypipe {
namespace {

constexpr std::string_view kLocal =
    "Received: by lab.example (Postfix, from userid 0)\r\n\tid 7DDBAA7A045; Sun, 29 Nov 2026 12:57:15 +0000 (UTC)\r\n";
constexpr std::string_view kRest = "Subject: x\r\n\r\nhello\r\n";

TEST_CASE("the id of mail that was made here") {
  const std::string before = GENERATE(std::string(), "X-Original-To: a\r\n b@example.org\r\n");
  const std::string content = before + std::string(kLocal) + std::string(kRest);
  const std::size_t needed = before.size() + kLocal.size() + 1;
  for (std::size_t count = 0; count <= content.size(); ++count) {
    const ReceivedId found = find_received_id(std::string_view(content).substr(0, count), "Lab.Example");
    CHECK(found.decided == (count >= needed));
    CHECK(found.id == (count >= needed ? "7DDBAA7A045" : ""));
  }
}

TEST_CASE("bounces and long ids have the same form") {
  const auto id = [](std::string_view field) {
    const ReceivedId found = find_received_id(std::string(field) + "\r\nX: y\r\n", "lab.example");
    CHECK(found.decided);
    return found.id;
  };
  CHECK(id("Received: by lab.example (Postfix)\r\n\tid A4E2BA7A071; Sun") == "A4E2BA7A071");
  CHECK(id("received: by lab.example (Postfix) id 4cKzxS1vTZz2xQ; Sun") == "4cKzxS1vTZz2xQ");
  // Mail from elsewhere, of another host, or of another form.
  CHECK(id("Received: from a (b [192.0.2.1])\r\n\tby lab.example (Postfix) with ESMTP id A4E2BA7A071; Sun").empty());
  CHECK(id("Received: by other.example (Postfix)\r\n\tid A4E2BA7A071; Sun").empty());
  CHECK(id("Received: by lab.example (Postfix) id A4E2BA7A071").empty());
  CHECK(id("Received: by lab.example (Postfix) id ../A; Sun").empty());
  CHECK(id("Received: by lab.example (Postfix) id ; Sun").empty());
  CHECK(id("Received: by lab.example id A4E2BA7A071; Sun").empty());
  CHECK(id("Received: by lab.example (Postfix").empty());
  CHECK(id("Received: by lab.example (Postfix) id " + std::string(51, 'A') + "; Sun").empty());
  CHECK(id("Received:").empty());
}

TEST_CASE("a content without such a field is decided at the end of its header") {
  for (const std::string_view content :
       {"\r\n", ".\r\n", "no header\r\n", "X: y\r\n\r\n", "X: y\r\n.\r\n", "X: y\r\nz\r\n"}) {
    CAPTURE(std::string(content));
    CHECK(find_received_id(content, "lab.example").decided);
    CHECK(find_received_id(content, "lab.example").id.empty());
    CHECK_FALSE(find_received_id(content.substr(0, content.size() - 2), "lab.example").decided);
  }
  const std::string endless = "X: " + std::string(5000, 'x');
  CHECK(find_received_id(endless, "lab.example").decided);
  CHECK_FALSE(find_received_id(endless.substr(0, 1000), "lab.example").decided);
}

}  // namespace
}  // namespace relaypipe
