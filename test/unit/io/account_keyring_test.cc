// The keyring over real files and commands.
#include "io/credentials/keyring.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "catch.h"
#include "io/system/poll_event_loop.h"
#include "io/system/system_clock.h"

using namespace relaypipe;
using namespace std::chrono_literals;

namespace {

/// A token endpoint whose answers the test gives.
class FakeTokens final : public TokenSource {
 public:
  void ask(DialId id, const Relay&, bool refused) override { asked += fmt::format("{}{} ", id, refused ? "!" : ""); }
  std::vector<TokenEvent> take_answers() override { return std::exchange(answers, {}); }
  void cancel(DialId id) override { asked += fmt::format("-{} ", id); }

  std::string asked;
  std::vector<TokenEvent> answers;
};

struct Services {
  Services() {
    std::string name = std::filesystem::temp_directory_path() / "relaypipe-keyring-XXXXXX";
    REQUIRE(mkdtemp(name.data()) != nullptr);
    folder = name;
    relay.name = "a";
    const auto list = parse_nexthop("[mail.example.com]:587", [](auto) { return std::nullopt; });
    REQUIRE(list);
    relay.destination = list->front();
    relay.account.username = "user";
    // Never the measure of a test, only the end of a broken one.
    settings.secret_limit = 60s;
    relay.settings = &settings;
  }
  ~Services() { std::filesystem::remove_all(folder); }
  Services(const Services&) = delete;
  Services& operator=(const Services&) = delete;

  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    const std::string path = folder / name;
    std::ofstream(path) << text;
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
    return path;
  }
  void shell(const std::string& script) { relay.account.password_command = {"/bin/sh", "-c", script}; }

  void ask(DialId id, bool refused = false, const std::string& host = "mail.example.com") {
    keyring.ask(id, relay, host, refused);
  }
  /// The answers there are now: `1=user:secret`, `1=user:token(bearer)`, `1=none`, `1!why`.
  std::string now() {
    std::string shown;
    for (const KeyringEvent& event : keyring.take_answers()) {
      shown += shown.empty() ? "" : " ";
      if (!event.result) {
        shown += fmt::format("{}!{}", event.id, event.result.error());
      } else if (!*event.result) {
        shown += fmt::format("{}=none", event.id);
      } else {
        const Credentials& got = **event.result;
        shown += fmt::format("{}={}:{}{}", event.id, got.username, got.secret.reveal(), got.bearer ? "(bearer)" : "");
      }
    }
    return shown;
  }
  /// The next answers.
  std::string wait() {
    const Instant end = clock.now() + 60s;
    while (clock.now() < end) {
      if (std::string shown = now(); !shown.empty()) return shown;
      event_loop.wait(end);
    }
    return "nothing came";
  }

  std::filesystem::path folder;
  SystemClock clock;
  FakeTokens tokens;
  RelaySettings settings;
  Relay relay;
  AccountKeyring keyring{clock, "Sender@Example.org", &tokens};
  PollEventLoop event_loop{clock, {&keyring}};
};

}  // namespace

TEST_CASE("a password from a file is there at once", "[account_keyring]") {
  Services services;
  services.relay.account.password_file = services.write("s", "secret\n");
  services.ask(1);
  CHECK(services.now() == "1=user:secret");
  services.ask(2, true);
  CHECK(services.now() == "2!the relay refuses the username or password");
  services.relay.account.password_file = services.folder / "none";
  services.ask(3);
  CHECK(services.now() == "3!" + services.relay.account.password_file + " cannot be opened: No such file or directory");
}

TEST_CASE("a relay without an account has none", "[account_keyring]") {
  Services services;
  services.relay.account = {};
  services.ask(1);
  CHECK(services.now() == "1=none");
}

TEST_CASE("a map gives the account of this relay, by sender only where it depends on it", "[account_keyring]") {
  Services services;
  services.relay.account = {};
  services.relay.account.password_map = services.write(
      "m", "[mail.example.com]:587 dest:p1\nmx.example.com host:p2\n@example.org sender:p3\nbroken nothing\n");
  services.ask(1, false, "mx.example.com");
  CHECK(services.now() == "1=host:p2");
  services.ask(2);
  CHECK(services.now() == "2=dest:p1");
  services.relay.account.sender_dependent = true;
  services.ask(3);
  CHECK(services.now() == "3=sender:p3");
  services.ask(4, true);
  CHECK(services.now() == "4!the relay refuses the account of the password map");
  services.relay.account.sender_dependent = false;
  services.ask(5, false, "other.example.com");
  CHECK(services.now() == "5=dest:p1");
  services.ask(6, false, "broken");
  CHECK(services.now().starts_with("6!" + services.relay.account.password_map + ":4: there is no \":\""));
}

TEST_CASE("another relay is not offered the account", "[account_keyring]") {
  Services services;
  services.relay.account = {};
  services.relay.account.password_map = services.write("m", "[mail.example.com]:587 dest:p1\n@example.org sender:p3\n");
  const auto list = parse_nexthop("[other.example.com]:587", [](auto) { return std::nullopt; });
  services.relay.destination = list->front();
  services.ask(1, false, "other.example.com");
  CHECK(services.now() == "1=none");
}

TEST_CASE("a command prints the password in its first line", "[account_keyring]") {
  Services services;
  services.shell("printf 'secret\\r\\nnotes\\n'");
  services.ask(1);
  CHECK(services.wait() == "1=user:secret");
  // It is kept: the second session gets it at once, without another run.
  services.shell("echo other");
  services.ask(2);
  CHECK(services.now() == "2=user:secret");
}

TEST_CASE("a command runs once for all that ask meanwhile", "[account_keyring]") {
  Services services;
  const std::string runs = services.folder / "runs";
  services.shell("echo run >> " + runs + "; echo secret");
  services.ask(1);
  services.ask(2);
  services.ask(3);
  services.keyring.cancel(2);
  CHECK(services.wait() == "1=user:secret 3=user:secret");
  CHECK(std::filesystem::file_size(runs) == 4);
}

TEST_CASE("a command has nothing of ours", "[account_keyring]") {
  Services services;
  const std::string seen = services.folder / "seen";
  sigset_t before;
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  const auto handler = signal(SIGPIPE, SIG_IGN);
  ::setenv("RELAYPIPE_TEST_VARIABLE", "x", 1);
  services.shell(
      "exec 9>" + seen +
      "; env | cut -d= -f1 | grep -v -e '^PWD$' -e '^_$' -e '^SHLVL$' -e '^OLDPWD$' | sort >&9; pwd >&9;"
      " grep -e SigBlk -e SigIgn /proc/self/status >&9;"
      " readlink /proc/$$/fd/0 /proc/$$/fd/2 >&9; ps -o pgid= -p $$ | tr -d ' ' >&9; echo $$ >&9; echo secret");
  services.ask(1);
  CHECK(services.wait() == "1=user:secret");
  signal(SIGPIPE, handler);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  ::unsetenv("RELAYPIPE_TEST_VARIABLE");
  std::ifstream file(seen);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    lines.push_back(line);
  REQUIRE(lines.size() == 9);
  CHECK(lines[0] == "LC_ALL");
  CHECK(lines[1] == "PATH");
  CHECK(lines[2] == "/");
  CHECK(lines[3] == "SigBlk:\t0000000000000000");
  // 32 and 33 are the C library's own, which nobody can send.
  CHECK((std::stoull(lines[4].substr(lines[4].find('\t')), nullptr, 16) & 0x7FFFFFFFU) == 0);
  CHECK(lines[5] == "/dev/null");
  CHECK(lines[6] == "/dev/null");
  CHECK(lines[7] == lines[8]);
}

TEST_CASE("what goes wrong with a command is told without its output", "[account_keyring]") {
  struct Row {
    const char* script;
    const char* answer;
  };
  const Row row = GENERATE(Row{"echo hunter2; exit 3", "1!/bin/sh ended with exit status 3"},
                           Row{"echo hunter2; kill -9 $$", "1!/bin/sh ended by signal 9"},
                           Row{"true", "1!/bin/sh printed no secret in its first line"},
                           Row{"echo; echo hunter2", "1!/bin/sh printed no secret in its first line"},
                           Row{"printf 'hun\\000ter2\\n'", "1!/bin/sh printed a NUL"},
                           Row{"head -c 20000 /dev/zero | tr '\\000' x", "1!/bin/sh printed more than 16384 octets"},
                           // A descendant that keeps the pipe open does not hold the delivery up.
                           Row{"sleep 90 & echo secret", "1=user:secret"},
                           Row{"exec 1>&-; exit 1", "1!/bin/sh ended with exit status 1"});
  CAPTURE(std::string(row.script));
  Services services;
  services.shell(row.script);
  services.ask(1);
  CHECK(services.wait() == row.answer);
}

TEST_CASE("a command that is not there", "[account_keyring]") {
  Services services;
  services.relay.account.password_command = {"/nonexistent/pass"};
  services.ask(1);
  CHECK(services.wait() == "1!/nonexistent/pass cannot be started: No such file or directory");
}

TEST_CASE("a command that hangs is killed with all it started", "[account_keyring]") {
  Services services;
  const std::string fifo = services.folder / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const int reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  services.shell("exec 8>" + fifo + "; sleep 600 & echo >&8; sleep 600");
  services.ask(1);
  pollfd end{reader, POLLIN, 0};
  REQUIRE(::poll(&end, 1, 60'000) == 1);
  char octet = 0;
  REQUIRE(::read(reader, &octet, 1) == 1);
  services.keyring.serve({}, services.clock.now() + 59s);
  CHECK(services.now().empty());
  services.keyring.serve({}, services.clock.now() + 61s);
  CHECK(services.now() == "1!/bin/sh did not end in time and was killed");
  // The fifo ends when the last of them is gone.
  REQUIRE(::poll(&end, 1, 60'000) == 1);
  CHECK((end.revents & POLLHUP) != 0);
  ::close(reader);
}

TEST_CASE("a token that is held elsewhere is read again when it was refused", "[account_keyring]") {
  Services services;
  services.relay.account.oauth2.emplace();
  services.relay.account.oauth2->token_file = services.write("t", "one\n");
  services.ask(1);
  CHECK(services.now() == "1=user:one(bearer)");
  services.ask(1, true);
  CHECK(services.now() == "1!the relay refuses the access token, and there is no newer one");
  static_cast<void>(services.write("t", "two\n"));
  services.ask(1, true);
  CHECK(services.now() == "1=user:two(bearer)");
}

TEST_CASE("a token command runs again when its token was refused", "[account_keyring]") {
  Services services;
  const std::string count = services.write("n", "");
  services.relay.account.oauth2.emplace();
  services.relay.account.oauth2->token_command = {"/bin/sh", "-c", "echo x >> " + count + "; wc -l < " + count};
  services.ask(1);
  CHECK(services.wait() == "1=user:1(bearer)");
  services.ask(2);
  CHECK(services.now() == "2=user:1(bearer)");
  services.ask(2, true);
  CHECK(services.wait() == "2=user:2(bearer)");
}

TEST_CASE("tokens of an endpoint are the token source's", "[account_keyring]") {
  Services services;
  services.relay.account.oauth2.emplace();
  services.relay.account.oauth2->token_endpoint = "https://x.example/t";
  services.ask(1);
  services.ask(2, true);
  services.ask(3);
  CHECK(services.now().empty());
  services.keyring.cancel(3);
  CHECK(services.tokens.asked == "1 2! 3 -3 ");
  std::string token = "token";
  services.tokens.answers.push_back({1, Secret(token)});
  services.tokens.answers.push_back({2, fail(std::string("no answer"))});
  CHECK(services.now() == "1=user:token(bearer) 2!no answer");
}
