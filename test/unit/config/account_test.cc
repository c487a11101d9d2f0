// `[relay.NAME]`: its account, and what TLS the account needs.
#include <string>
#include <vector>

#include "catch.h"
#include "unit/config/read_text.h"

using namespace relaypipe;

namespace {

using test::good;
using test::read;

std::string relay(const std::string& lines, const std::string& destination = "[mail.example.com]:587") {
  return test::relay(lines, destination);
}

const std::string kFile = "username = \"u\"\npassword_file = \"/s\"\n";
const std::string kPin = "tls_fingerprint = \"sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"\n";

}  // namespace

TEST_CASE("an account is read", "[account]") {
  const RelayConfig file = good(relay("username = \"u@example.com\"\npassword_file = \"${CREDENTIALS_DIRECTORY}/x\""));
  CHECK(file.account.username == "u@example.com");
  CHECK(file.account.password_file == "${CREDENTIALS_DIRECTORY}/x");
  CHECK(file.account.certain());
  const RelayConfig command = good(relay("username = \"u\"\npassword_command = [\"/bin/pass\", \"a b\"]"));
  CHECK(command.account.password_command == std::vector<std::string>{"/bin/pass", "a b"});
  const RelayConfig map = good(relay("password_map = \"/m\"\nsender_dependent = true"));
  CHECK(map.account.password_map == "/m");
  CHECK(map.account.sender_dependent);
  CHECK(map.account.any());
  CHECK_FALSE(map.account.certain());
  CHECK_FALSE(good(relay("")).account.any());
}

TEST_CASE("the map of the defaults is for relays without an account of their own", "[account]") {
  const std::string defaults = "[defaults]\npassword_map = \"/d\"\n";
  CHECK(good(defaults + relay("")).account.password_map == "/d");
  CHECK(good(defaults + relay(kFile)).account.password_map == "");
  CHECK(good(defaults + relay("password_map = \"/m\"")).account.password_map == "/m");
  CHECK(good(defaults + relay("password_map = \"\"")).account.password_map == "");
  CHECK(good(relay(""), {"password_map=/o"}).account.password_map == "/o");
  CHECK(good(relay(kFile), {"password_map=/o"}).account.password_map == "");
  CHECK(read("", {"password_map=/o"}).configuration.relay_defaults.password_map == "/o");
}

TEST_CASE("the OAuth2 table is read, and completed for a known provider", "[account]") {
  const std::string user = "username = \"u\"\n[relay.a.oauth2]\n";
  const auto own = good(relay(user + "token_endpoint = \"https://x.example/t\"\nclient_id = \"i\"\nscope = \"s\"\n"
                                     "client_secret_file = \"/c\"\nrefresh_token_file = \"/r\"\nca_file = \"/ca\"\n"
                                     "device_endpoint = \"https://x.example/d\"\ngrant = \"refresh_token\""));
  REQUIRE(own.account.oauth2);
  CHECK(own.account.oauth2->token_endpoint == "https://x.example/t");
  CHECK(own.account.oauth2->device_endpoint == "https://x.example/d");
  CHECK(own.account.oauth2->client_id == "i");
  CHECK(own.account.oauth2->client_secret_file == "/c");
  CHECK(own.account.oauth2->refresh_token_file == "/r");
  CHECK(own.account.oauth2->ca_file == "/ca");
  CHECK(own.account.oauth2->scope == "s");
  const auto recognised = good(relay(user + "client_id = \"i\"", "[smtp.gmail.com]:587"));
  CHECK(recognised.account.oauth2->token_endpoint.starts_with("https://oauth2.googleapis.com/"));
  CHECK_FALSE(recognised.account.oauth2->authorization_endpoint.empty());
  CHECK_FALSE(recognised.account.oauth2->scope.empty());
  const auto named = good(relay("provider = \"gmail\"\n" + user + "client_id = \"i\"\nscope = \"mine\""));
  CHECK_FALSE(named.account.oauth2->token_endpoint.empty());
  CHECK(named.account.oauth2->scope == "mine");
  // Who has a token needs no endpoint.
  CHECK(good(relay(user + "token_file = \"/t\"", "[smtp.gmail.com]:587")).account.oauth2->token_endpoint == "");
  const auto program =
      good(relay(user + "token_endpoint = \"https://x.example/t\"\nclient_id = \"i\"\nclient_secret_file = \"/c\"\n"
                        "grant = \"client_credentials\"",
                 "[smtp.office365.com]:587"));
  CHECK(program.account.oauth2->grant == Oauth2Config::Grant::ClientCredentials);
  CHECK(program.account.oauth2->scope == "");
}

TEST_CASE("contradictions of an account are told with their place", "[account]") {
  struct Row {
    const char* lines;
    const char* problem;
  };
  const Row row = GENERATE(
      Row{"username = \"u\"", "f:3:1: error: [relay.a] username: there is no secret for it"},
      Row{"password_file = \"/s\"", "f:3:1: error: [relay.a] password_file: there is no username"},
      Row{"username = \"u\"\npassword_file = \"/s\"\npassword_command = [\"/c\"]",
          "f:5:1: error: [relay.a] password_command: password_file gives the secret already"},
      Row{"username = \"u\"\npassword_file = \"/s\"\n[relay.a.oauth2]\ntoken_file = \"/t\"",
          "f:5:10: error: [relay.a] oauth2: password_file gives the secret already"},
      Row{"password_map = \"/m\"\npassword_file = \"/s\"", "f:4:1: error: [relay.a] password_file: password_map gives"},
      Row{"username = \"u\"\npassword_map = \"/m\"",
          "f:3:1: error: [relay.a] username: password_map has the usernames"},
      Row{"sender_dependent = true", "f:3:1: error: [relay.a] sender_dependent: needs a password_map in this very"},
      Row{"username = \"\"", "f:3:12: error: [relay.a] username: write 1 to 255 octets"},
      Row{"username = \"u\\u0000\"\npassword_file = \"/s\"", "f:3:12: error: [relay.a] username: write 1 to 255"},
      Row{"username = \"u\"\npassword_file = \"s\"",
          "f:4:17: error: [relay.a] password_file: the value is not an absolute path"},
      Row{"username = \"u\"\npassword_file = \"${CREDENTIALS_DIRECTORY}/a/b\"",
          "f:4:17: error: [relay.a] password_file: behind ${CREDENTIALS_DIRECTORY}/"},
      Row{"username = \"u\"\npassword_command = \"/bin/pass x\"", "password_command: no shell reads it"},
      Row{"username = \"u\"\npassword_command = [\"pass\"]", "the program is an absolute path"},
      Row{"username = \"u\"\npassword_command = []", "the program is an absolute path"},
      Row{"sender_dependent = \"yes\"", "sender_dependent: this is a string; write true or false"},
      Row{"provider = \"gmial\"",
          "f:3:12: error: [relay.a] provider: the value is not a provider we know; did you mean gmail?"},
      Row{"[relay.a.oauth]\nx = 1", "f:3:10: error: [relay.a] oauth: unknown key; did you mean oauth2?"},
      Row{"[relay.a.oauth2]\ntoken_file = \"/t\"", "oauth2: there is no username"},
      Row{"username = \"u\"\n[relay.a.oauth2]", "oauth2: there is nothing to get a token from"},
      Row{"username = \"u\"\n[relay.a.oauth2]\ntoken_file = \"/t\"\ntoken_command = [\"/c\"]",
          "there are several ways"},
      Row{"username = \"u\"\n[relay.a.oauth2]\ntoken_file = \"/t\"\ntoken_endpoint = \"https://x/t\"",
          "there are several ways"},
      Row{"username = \"u\"\n[relay.a.oauth2]\ntoken_endpoint = \"http://127.0.0.1/t\"",
          "f:5:18: error: [relay.a.oauth2] token_endpoint: the value is not an https address"},
      Row{"username = \"u\"\n[relay.a.oauth2]\ntoken_endpoint = \"https://u:p@x/t\"", "is not an https address"},
      Row{"username = \"u\"\n[relay.a.oauth2]\ntoken_endpoint = \"https://b\u00fccher.example/t\"", "A-label form"},
      Row{"username = \"u\"\n[relay.a.oauth2]\ntoken_endpoint = \"https://x/t\"", "needs a client_id"},
      Row{"username = \"u\"\n[relay.a.oauth2]\ntoken_endpoint = \"https://x/t\"\nclient_id = \"i\"\ngrant = "
          "\"client_credentials\"",
          "needs a client_secret_file"},
      Row{"username = \"u\"\n[relay.a.oauth2]\ntoken_endpoint = \"https://x/t\"\nclient_id = \"i\"\ngrant = \"code\"",
          "f:7:9: error: [relay.a.oauth2] grant: the value is not allowed; write \"refresh_token\" or "
          "\"client_credentials\""},
      Row{"username = \"u\"\n[relay.a.oauth2]\nclient_id = \"\"",
          "f:5:13: error: [relay.a.oauth2] client_id: write 1 to 4096 octets without control characters"},
      Row{"username = \"u\"\n[relay.a.oauth2]\nscope = \"a\\tb\"", "scope: write 1 to 4096 octets"},
      Row{"username = \"u\"\n[relay.a.oauth2]\ntoken_fil = \"/t\"",
          "f:5:1: error: [relay.a.oauth2] token_fil: unknown key; did you mean token_file?"},
      Row{"[defaults]\nusername = \"u\"",
          "f:4:1: error: [defaults] username: does not belong here; write it in [relay."},
      Row{"[defaults]\nsender_dependent = true", "sender_dependent: does not belong here"},
      Row{"[defaults]\nallow_plaintext_auth = true", "allow_plaintext_auth: does not belong here"},
      Row{"[defaults]\ntoken_file = \"/t\"", "write it in [relay.NAME.oauth2]"});
  CAPTURE(std::string(row.lines));
  const std::string text = read(relay(row.lines)).text;
  CAPTURE(text);
  CHECK(text.find(row.problem) != std::string::npos);
}

TEST_CASE("a scope is as long as 4096 octets, and no longer", "[account]") {
  const auto with_scope = [](std::size_t octets) {
    return relay("username = \"u\"\n[relay.a.oauth2]\ntoken_endpoint = \"https://x/t\"\nclient_id = \"i\"\nscope = \"" +
                 std::string(octets, 'x') + "\"");
  };
  CHECK(read(with_scope(4096)).text.find("scope") == std::string::npos);
  CHECK(read(with_scope(4097)).text.find("scope: write 1 to 4096 octets") != std::string::npos);
}

TEST_CASE("what lifts the protection of accounts is not for the command line", "[account]") {
  CHECK(read(relay(""), {"allow_plaintext_auth=yes"}).text.find("write it in the [relay.NAME]") != std::string::npos);
}

TEST_CASE("two relays with one sender-dependent map would share their accounts", "[account]") {
  const auto two = [](const std::string& first, const std::string& second) {
    return relay(first) + "[relay.b]\ndestination = \"[b]:25\"\n" + second + "\n";
  };
  const std::string dependent = "password_map = \"/m\"\nsender_dependent = true";
  const std::string same = "password_map = \"/./m\"\nsender_dependent = true";
  CHECK(read(two(dependent, same)).text.find("f:7:1: error: [relay.b] password_map: [relay.a] has the same file") == 0);
  CHECK(read(two(dependent, "password_map = \"/n\"\nsender_dependent = true")).text == "");
  // By its own name a relay finds only its own account in a common map.
  CHECK(read(two(dependent, "password_map = \"/m\"")).text == "");
  CHECK(read(two("password_map = \"/m\"", "password_map = \"/m\"")).text == "");
  const std::string own = "password_map = \"/n\"\nsender_dependent = true";
  CHECK(read(two(dependent, own), {"password_map=/o"}).text.find("has the same file") != std::string::npos);
}

TEST_CASE("an account raises the level where the relay itself does not say one", "[account]") {
  using enum TlsLevel;
  CHECK(good(relay("")).settings.tls == May);
  CHECK(good(relay(kFile)).settings.tls == Verify);
  CHECK(good("[defaults]\ntls = \"encrypt\"\n" + relay(kFile)).settings.tls == Verify);
  CHECK(good(relay(kFile), {"tls=none"}).settings.tls == Verify);
  CHECK(good(relay(kFile, "smtps:[mail.example.com]")).settings.tls == Verify);
  CHECK(good(relay(kFile + kPin)).settings.tls == Verify);
  CHECK(good(relay(kFile + kPin + "tls = \"encrypt\"")).settings.tls == Encrypt);
  CHECK(good(relay(kFile + "allow_plaintext_auth = true", "[127.0.0.1]:25")).settings.tls == May);
  CHECK(good(relay(kFile + "allow_plaintext_auth = true\ntls = \"none\"", "[localhost]:25")).settings.tls == None);
  CHECK(good(relay(kFile + "allow_plaintext_auth = \"gw.example\"\ntls = \"none\"", "[GW.example]")).settings.tls ==
        None);
  // The name that MX lookup gives is judged when it is known.
  CHECK(good(relay(kFile + "allow_plaintext_auth = \"mx.example\"\ntls = \"may\"", "example")).settings.tls == May);
  // Only the lookup tells whether there is an account at all.
  CHECK(good(relay("password_map = \"/m\"")).settings.tls == May);
}

TEST_CASE("a level that does not protect the account beside it is an error", "[account]") {
  struct Row {
    std::string lines;
    const char* destination;
  };
  const Row row = GENERATE(
      Row{kFile + "tls = \"encrypt\"", "[mail.example.com]"}, Row{kFile + "tls = \"may\"", "[mail.example.com]"},
      Row{kFile + "tls = \"none\"", "[127.0.0.1]"}, Row{kFile + kPin + "tls = \"may\"", "[mail.example.com]"},
      Row{"password_map = \"/m\"\ntls = \"encrypt\"", "[mail.example.com]"},
      Row{kFile + "tls = \"encrypt\"", "smtps:[mail.example.com]"},
      Row{kFile + "allow_plaintext_auth = true\ntls = \"may\"", "[mail.example.com]"},
      Row{kFile + "allow_plaintext_auth = true\ntls = \"may\"", "[192.0.2.1]"},
      Row{kFile + "allow_plaintext_auth = true\ntls = \"may\"", "example.com"},
      Row{kFile + "allow_plaintext_auth = \"b.example\"\ntls = \"may\"", "[a.example]"});
  CAPTURE(row.lines, std::string(row.destination));
  CHECK(read(relay(row.lines, row.destination)).text.find("tls: does not protect the account") != std::string::npos);
}
