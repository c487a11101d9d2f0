#include "oauth/token_broker.h"

#include <map>
#include <string>

#include "catch.h"
#include "oauth/token_request.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;

Secret secret(std::string text) { return Secret(text); }

/// The world of a broker, all of it in the hands of the test.
struct FakeClock final : Clock {
  Instant time{};
  [[nodiscard]] Instant now() const override { return time; }
};
struct FakeWall final : WallClock {
  TokenTime time{1'800'000'000s};
  [[nodiscard]] WallTime now() const override { return time; }
};
struct FakeStore final : TokenStore {
  std::map<std::string, std::string> files;
  std::string read_problem, write_problem, lock_problem;
  bool busy = false;  ///< another process has the lock
  int held = 0;
  struct Lock final : TokenLock {
    explicit Lock(int& count) : held(count) { ++held; }
    ~Lock() override { --held; }
    int& held;
  };

  Result<std::optional<TokenRecord>, std::string> read(const std::string& relay) override {
    if (!read_problem.empty()) return fail(read_problem);
    const auto file = files.find(relay);
    if (file == files.end()) return std::optional<TokenRecord>();
    auto record = parse_token_record(file->second);
    if (!record) return fail(record.error());
    return std::optional<TokenRecord>(*std::move(record));
  }
  std::optional<std::string> write(const std::string& relay, const TokenRecord& record) override {
    if (!write_problem.empty()) return write_problem;
    files[relay] = write_token_record(record).reveal();
    return std::nullopt;
  }
  Locking try_lock(const std::string&) override {
    if (!lock_problem.empty()) return {nullptr, lock_problem};
    if (busy || held > 0) return {nullptr, ""};
    return {std::make_unique<Lock>(held), ""};
  }
};
struct FakeEndpoint final : HttpPoster {
  std::vector<std::pair<DialId, std::string>> asked;  ///< the forms
  std::vector<HttpEvent> answers;
  std::vector<DialId> cancelled;
  void post(DialId id, HttpPost post) override { asked.emplace_back(id, post.form.reveal()); }
  std::vector<HttpEvent> take_answers() override { return std::exchange(answers, {}); }
  void cancel(DialId id) override { cancelled.push_back(id); }
};
struct FakeJournal final : Journal {
  std::vector<std::string> lines;
  void line(Level, std::string_view text) override { lines.emplace_back(text); }
};

/// `name=value;name=value`: JSON is another file's business.
std::optional<AnswerFields> read_fields(std::string_view text) {
  AnswerFields fields;
  while (!text.empty()) {
    const std::string_view field = text.substr(0, text.find(';'));
    const std::size_t equals = field.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    fields.push_back({std::string(field.substr(0, equals)), secret(std::string(field.substr(equals + 1)))});
    text.remove_prefix(std::min(field.size() + 1, text.size()));
  }
  return fields;
}

struct Scene {
  FakeClock clock;
  FakeWall wall;
  FakeStore store;
  FakeEndpoint endpoint;
  FakeJournal journal;
  std::map<std::string, std::string> files{{"/refresh", "refresh-1"}};
  RelaySettings settings;
  Relay relay;
  std::unique_ptr<TokenBroker> broker = make();

  Scene() {
    relay.name = "one";
    settings.secret_limit = 10s;
    relay.settings = &settings;
    Oauth2Config config;
    config.token_endpoint = "https://login.example/token";
    config.client_id = "client";
    config.refresh_token_file = "/refresh";
    relay.account.username = "u";
    relay.account.oauth2 = config;
  }
  std::unique_ptr<TokenBroker> make() {
    const auto read_secret = [this](const std::string& file) -> Result<Secret, std::string> {
      const auto found = files.find(file);
      if (found == files.end()) return fail(file + " is not there");
      return secret(found->second);
    };
    return std::make_unique<TokenBroker>(
        TokenBroker::Services{clock, wall, store, endpoint, journal, read_fields, read_secret}, "4Xyz");
  }

  /// Another process: it has only what was kept.
  void new_process() { broker = make(); }

  /// What comes at once, if anything does.
  std::string ask(bool refused = false) {
    broker->ask(7, relay, refused);
    return taken();
  }
  std::string taken() {
    std::string text;
    for (const TokenEvent& event : broker->take_answers()) {
      text += event.token ? std::string(event.token->reveal()) : "error: " + event.token.error();
    }
    return text;
  }
  std::string answer(int status, std::string body) {
    REQUIRE(!endpoint.asked.empty());
    endpoint.answers.push_back({endpoint.asked.back().first, EndpointAnswer{status, secret(std::move(body))}});
    return taken();
  }
  std::string unreachable() {
    endpoint.answers.push_back({endpoint.asked.back().first, fail(std::string("cannot be reached"))});
    return taken();
  }
  /// One that is kept and was given now.
  void keep(const std::string& token, std::chrono::seconds lifetime = 3600s) {
    TokenRecord record;
    record.access_token = secret(token);
    record.obtained = wall.time;
    record.ends = wall.time + lifetime;
    record.account = account_mark(*relay.account.oauth2);
    store.write("one", record);
  }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("the first token is fetched, kept, and used without asking again") {
  Scene scene;
  CHECK(scene.ask().empty());
  REQUIRE(scene.endpoint.asked.size() == 1);
  CHECK(scene.endpoint.asked[0].second == "grant_type=refresh_token&refresh_token=refresh-1&client_id=client");
  CHECK(scene.store.held == 1);
  CHECK(scene.answer(200, "access_token=at-1;expires_in=3600") == "at-1");
  CHECK(scene.store.held == 0);
  CHECK(scene.ask() == "at-1");
  scene.new_process();
  CHECK(scene.ask() == "at-1");
  CHECK(scene.endpoint.asked.size() == 1);
  CHECK(scene.journal.lines.empty());
}

TEST_CASE("client credentials need no refresh token") {
  Scene scene;
  scene.files["/client"] = "cs";
  scene.relay.account.oauth2->grant = Oauth2Config::Grant::ClientCredentials;
  scene.relay.account.oauth2->client_secret_file = "/client";
  scene.files.erase("/refresh");
  scene.ask();
  CHECK(scene.endpoint.asked.at(0).second == "grant_type=client_credentials&client_id=client&client_secret=cs");
  CHECK(scene.answer(200, "access_token=at-1") == "at-1");
}

TEST_CASE("before its end a token is renewed, and the old one serves where that fails") {
  Scene scene;
  scene.keep("old");
  scene.wall.time += 50min;
  CHECK(scene.ask().empty());
  SECTION("renewed") { CHECK(scene.answer(200, "access_token=new") == "new"); }
  SECTION("refused") {
    CHECK(scene.answer(400, "error=invalid_grant") == "old");
    REQUIRE(scene.journal.lines.size() == 1);
    CHECK(scene.journal.lines[0] ==
          "4Xyz: token of relay one: token endpoint login.example says invalid_grant: put a new refresh token into "
          "/refresh; the old token is still good");
    // Then there is a pause, in other processes too.
    scene.new_process();
    CHECK(scene.ask() == "old");
    CHECK(scene.endpoint.asked.size() == 1);
    scene.wall.time += kFailurePause;
    CHECK(scene.ask().empty());
  }
  SECTION("down") { CHECK(scene.unreachable() == "old"); }
}

TEST_CASE("while another process renews, the old token serves while it lasts") {
  Scene scene;
  scene.keep("old");
  scene.store.busy = true;
  scene.wall.time += 50min;
  CHECK(scene.ask() == "old");
  CHECK(scene.endpoint.asked.empty());
}

TEST_CASE("without a good token the others wait for the process that renews, and take its token") {
  Scene scene;
  scene.store.busy = true;
  CHECK(scene.ask().empty());
  std::vector<pollfd> fds;
  const Instant wake = scene.broker->interests(fds, scene.clock.time);
  CHECK(wake > scene.clock.time);
  CHECK(wake < scene.clock.time + 1s);
  SECTION("it succeeds") {
    scene.keep("theirs");
    scene.clock.time = wake;
    CHECK(scene.taken() == "theirs");
    CHECK(scene.endpoint.asked.empty());
  }
  SECTION("it dies") {
    scene.store.busy = false;
    scene.clock.time = wake;
    CHECK(scene.taken().empty());
    CHECK(scene.endpoint.asked.size() == 1);
  }
  SECTION("it takes for ever") {
    std::string said;
    for (int turns = 0; turns < 1000 && said.empty(); ++turns) {
      scene.clock.time = scene.broker->interests(fds, scene.clock.time);
      said = scene.taken();
    }
    CHECK(said == "error: another process has been renewing the token for 10s");
    CHECK(scene.clock.time == Instant(10s));
  }
}

TEST_CASE("a rotated refresh token is kept and used, until the file has another one") {
  Scene scene;
  scene.ask();
  CHECK(scene.answer(200, "access_token=at-1;refresh_token=refresh-2") == "at-1");
  scene.new_process();
  scene.wall.time += 2h;
  scene.ask();
  CHECK(has(scene.endpoint.asked.back().second, "refresh_token=refresh-2"));
  // An answer without one leaves it as it is.
  CHECK(scene.answer(200, "access_token=at-2") == "at-2");
  scene.wall.time += 2h;
  scene.ask();
  CHECK(has(scene.endpoint.asked.back().second, "refresh_token=refresh-2"));
  CHECK(scene.answer(200, "access_token=at-3") == "at-3");
  scene.files["/refresh"] = "refresh-9";
  scene.wall.time += 2h;
  scene.ask();
  CHECK(has(scene.endpoint.asked.back().second, "refresh_token=refresh-9"));
  CHECK(scene.answer(200, "access_token=at-4") == "at-4");
  scene.wall.time += 2h;
  scene.ask();
  CHECK(has(scene.endpoint.asked.back().second, "refresh_token=refresh-9"));
}

TEST_CASE("a rotated refresh token that cannot be kept is a loud warning, and the mail goes") {
  Scene scene;
  scene.store.write_problem = "/state/tokens/one.token cannot be written: No space left on device";
  scene.ask();
  CHECK(scene.answer(200, "access_token=at-1;refresh_token=refresh-2") == "at-1");
  REQUIRE(scene.journal.lines.size() == 1);
  CHECK(has(scene.journal.lines[0], "THE NEW REFRESH TOKEN IS LOST"));
  CHECK(!has(scene.journal.lines[0], "refresh-2"));
  // The same token again is no rotation.
  scene.new_process();
  scene.journal.lines.clear();
  scene.ask();
  CHECK(scene.answer(200, "access_token=at-1;refresh_token=refresh-1") == "at-1");
  REQUIRE(scene.journal.lines.size() == 1);
  CHECK(!has(scene.journal.lines[0], "LOST"));
}

TEST_CASE("where nothing can be kept, one token serves the whole delivery") {
  Scene scene;
  scene.store.lock_problem = scene.store.write_problem = "/state cannot be used";
  CHECK(scene.ask().empty());
  CHECK(scene.answer(200, "access_token=at-1") == "at-1");
  CHECK(scene.ask() == "at-1");
  CHECK(scene.endpoint.asked.size() == 1);
  CHECK(!scene.journal.lines.empty());
}

TEST_CASE("a damaged record is told and replaced") {
  Scene scene;
  scene.keep("old");
  scene.store.files["one"].pop_back();
  CHECK(scene.ask().empty());
  CHECK(scene.answer(200, "access_token=at-1") == "at-1");
  REQUIRE(scene.journal.lines.size() == 1);
  CHECK(has(scene.journal.lines[0], "damaged"));
  scene.new_process();
  CHECK(scene.ask() == "at-1");
}

TEST_CASE("a refused token is renewed at once, and once") {
  Scene scene;
  scene.keep("old");
  CHECK(scene.ask() == "old");
  SECTION("by us") {
    CHECK(scene.ask(true).empty());
    CHECK(scene.answer(200, "access_token=new") == "new");
    // Refused again, by us or by the next process: no third one.
    CHECK(has(scene.ask(true), "error: the relay refuses tokens of this account"));
    scene.new_process();
    CHECK(scene.ask() == "new");
    CHECK(has(scene.ask(true), "error: the relay refuses tokens of this account"));
    CHECK(scene.endpoint.asked.size() == 1);
  }
  SECTION("by another process already") {
    scene.keep("theirs");
    CHECK(scene.ask(true) == "theirs");
    CHECK(scene.endpoint.asked.empty());
  }
  SECTION("in vain") {
    CHECK(scene.ask(true).empty());
    CHECK(has(scene.answer(400, "error=invalid_grant"), "error: token endpoint login.example says invalid_grant"));
  }
}

TEST_CASE("a failure without a good token is told, and the next ones do not ask for a while") {
  Scene scene;
  scene.ask();
  const std::string told = scene.answer(400, "error=invalid_grant;error_description=refresh-1 has ended");
  CHECK(told ==
        "error: token endpoint login.example says invalid_grant (******** has ended): put a new refresh token into "
        "/refresh");
  scene.new_process();
  CHECK(scene.ask() == told);
  CHECK(scene.endpoint.asked.size() == 1);
  SECTION("until the pause is over") {
    scene.wall.time += kFailurePause;
    CHECK(scene.ask().empty());
  }
  SECTION("or there is another refresh token") {
    scene.files["/refresh"] = "refresh-9";
    CHECK(scene.ask().empty());
    CHECK(scene.answer(200, "access_token=at-1") == "at-1");
  }
  SECTION("a person does not wait") {
    scene.broker->renew(7, scene.relay);
    CHECK(scene.answer(200, "access_token=at-1") == "at-1");
  }
}

TEST_CASE("a token of another account is not used, and a mistake does not cost it") {
  Scene scene;
  scene.keep("old");
  const std::string before = scene.store.files["one"];
  scene.relay.account.oauth2->client_id = "mistake";
  scene.ask();
  CHECK(has(scene.answer(401, "error=invalid_client"), "look at client_id and client_secret_file"));
  CHECK(scene.store.files["one"] == before);
  scene.relay.account.oauth2->client_id = "client";
  CHECK(scene.ask() == "old");
}

TEST_CASE("a refresh token that is not there says what to do") {
  Scene scene;
  scene.relay.account.oauth2->refresh_token_file.clear();
  scene.relay.account.oauth2->device_endpoint = "https://login.example/device";
  CHECK(scene.ask() == "error: there is no refresh token: run `relaypipe token one --authorize`");
  CHECK(scene.store.held == 0);
}

TEST_CASE("several addresses of a relay have one request") {
  Scene scene;
  scene.broker->ask(1, scene.relay, false);
  scene.broker->ask(2, scene.relay, false);
  CHECK(scene.endpoint.asked.size() == 1);
  CHECK(scene.answer(200, "access_token=at;") == "atat");
}

TEST_CASE("a request that may have used up the refresh token is heard to its end") {
  Scene scene;
  scene.broker->ask(1, scene.relay, false);
  scene.broker->cancel(1);
  CHECK(scene.endpoint.cancelled.empty());
  CHECK(scene.broker->unfinished());
  CHECK(scene.answer(200, "access_token=at-1;refresh_token=refresh-2").empty());
  CHECK(!scene.broker->unfinished());
  CHECK(has(scene.store.files["one"], "refresh_token=refresh-2"));
  scene.store.busy = true;
  scene.wall.time += 2h;
  scene.broker->ask(1, scene.relay, false);
  scene.broker->cancel(1);
  CHECK(!scene.broker->unfinished());
}

}  // namespace
}  // namespace relaypipe
