#include "io/toml_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>

#include "catch.h"
#include "config/setting_keys.h"
#include "io/toml_document.h"

using namespace relaypipe;
using namespace std::chrono_literals;

namespace {

std::optional<std::uint16_t> no_service(std::string_view) { return std::nullopt; }

/// A folder of its own for each test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "relaypipe.XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name + "/";
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + name; }

  std::string write(const std::string& name, const std::string& text, mode_t mode = 0644) const {
    const std::string file = path_ + name;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file) << text;
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    return file;
  }

 private:
  std::string path_;
};

struct Loaded {
  Configuration configuration;
  std::string text;  ///< the problems, a line each
};

Loaded load(const std::string& file, bool required = true, const std::vector<std::string>& overrides = {}) {
  std::vector<ConfigProblem> problems;
  Loaded loaded{load_configuration(file, required, no_service, overrides, problems), {}};
  for (const ConfigProblem& problem : problems) {
    loaded.text += problem.line() + "\n";
  }
  return loaded;
}

std::string relay(const std::string& name) { return "[relay." + name + "]\ndestination = \"[a]:25\"\n"; }

/// Every setting of a run as one text, to compare two of them.
std::string all_of(const RunSettings& s) {
  std::string text;
  for (const Duration span :
       {s.deadline, s.address_patience, s.dns_timeout, s.max_wait, s.unconfirmed_hold, s.duplicate_wait}) {
    text += std::to_string(span.count()) + " ";
  }
  text += fmt::format("{} {} {} {} {} {} ", s.max_sessions, s.line_length_limit, s.size_tolerance, s.spool_memory,
                      s.use_state, static_cast<int>(s.on_unconfirmed));
  for (const std::string* value :
       {&s.spool_directory, &s.state_directory, &s.syslog_ident, &s.syslog_socket, &s.log_file}) {
    text += *value + " | ";
  }
  return text + fmt::format("{} {} {}", s.dns_servers, s.own_addresses, s.proxy_addresses);
}

/// The same of a relay.
std::string all_of(const RelaySettings& s) {
  const TimeLimits& t = s.limits;
  std::string text;
  for (const Duration span : {s.patience, s.stall_limit, s.resolve_limit, t.connect, t.greeting, t.helo, t.starttls,
                              t.auth, t.mail, t.rcpt, t.data_init, t.data_xfer, t.data_done, s.secret_limit,
                              s.cool_down.least, s.cool_down.most, s.session.idle, s.session.age}) {
    text += std::to_string(span.count()) + " ";
  }
  text +=
      fmt::format("{} {} {} {} {} ", s.session.messages, s.mx_address_limit, s.mx_session_limit, s.slow_factor, s.srv);
  text += fmt::format("{} {} {} {} {} ", static_cast<int>(s.tls), static_cast<int>(s.ip),
                      static_cast<int>(s.tls_more.min_version), static_cast<int>(s.client_report),
                      static_cast<int>(s.on_content_reject));
  for (const std::string* value :
       {&s.hostname, &s.tls_more.ca_file, &s.tls_more.ca_path, &s.tls_more.name, &s.tls_more.cert_file,
        &s.tls_more.key_file, &s.allow_plaintext_auth, &s.password_map, &s.recipient_delimiter}) {
    text += *value + " | ";
  }
  return text + fmt::format("{} {} {} {}", s.tls_more.fingerprints, s.auth_mechanisms, s.discard_ehlo_keywords,
                            s.bind_address);
}

std::string all_of(const RunSettings& run, const RelaySettings& relay) { return all_of(run) + all_of(relay); }

}  // namespace

TEST_CASE("a missing file is a problem only where it was asked for", "[toml_config]") {
  const Folder folder;
  const std::string file = folder / "none.toml";
  CHECK(load(file, false).text.empty());
  CHECK(load(file, false, {"deadline=1m"}).configuration.run.deadline == 1min);
  CHECK(load(file, true).text == file + ": error: cannot be opened: No such file or directory\n");
  const std::string beyond = folder.write("file", "") + "/none.toml";
  CHECK(load(beyond, false).text == beyond + ": error: cannot be opened: Not a directory\n");
}

TEST_CASE("what is no file of its owner alone is refused", "[toml_config]") {
  const Folder folder;
  const mode_t mode = GENERATE(mode_t{0664}, mode_t{0646}, mode_t{0620}, mode_t{0602}, mode_t{0666});
  const std::string file = folder.write("a.toml", "deadline = \"1m\"", mode);
  const Loaded loaded = load(file, false);
  CHECK(loaded.text == file + ": error: may be written by others: chmod go-w " + file + "\n");
  CHECK(loaded.configuration.run.deadline == 15min);
}

TEST_CASE("folders, fifos, unreadable and large files are refused", "[toml_config]") {
  const Folder folder;
  const std::string directory = folder / ".";
  CHECK(load(directory).text == directory + ": error: this is a directory; write the name of a file\n");
  const std::string fifo = folder / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(load(fifo).text == fifo + ": error: this is not a regular file\n");
  const std::string large = folder.write("large.toml", "");
  REQUIRE(::truncate(large.c_str(), (4 << 20) + 1) == 0);
  CHECK(load(large).text == large + ": error: the file is larger than 4 MiB\n");
  const std::string secret = folder.write("secret.toml", "", 0);
  // root may read it all the same.
  if (::geteuid() != 0) CHECK(load(secret, false).text == secret + ": error: cannot be opened: Permission denied\n");
}

TEST_CASE("what is no TOML is a problem with its place", "[toml_config]") {
  const Folder folder;
  const std::string file = folder.write("a.toml", "deadline = \"1m\"\n[relay.a\nweight = 1\n");
  const std::string text = load(file).text;
  INFO(text);
  CHECK(text.starts_with(file + ":2:9: error: "));
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  const std::string binary = load(folder.write("b.toml", "a = \"\xFF\x01\"\n")).text;
  CHECK(binary.find(":1:5: error: ") != std::string::npos);
  CHECK(std::count(binary.begin(), binary.end(), '\n') == 1);
}

TEST_CASE("what toml++ asserts before it checks is a problem with its place", "[toml_config]") {
  const auto [text, problem] = GENERATE(table<std::string, std::string>({
      {"a = 1\n[(relay)]\nb = 2", "f:2:2: error: a name is missing here, or it needs quotes"},
      {"[[[a]]]", "f:1:3: error: a name is missing here, or it needs quotes"},
      {"\r\n\t[ &", "f:2:4: error: a name is missing here, or it needs quotes"},
      {"# \xC3\xBC\n[<>\"]\n[chain.c]\n", "f:2:2: error: a name is missing here, or it needs quotes"},
      {"a = \"\xC3\xBC\"\nb = 1979-05-27T:07\n", "f:2:16: error: nothing here is a date or a time"},
  }));
  std::vector<ConfigProblem> problems;
  CHECK_FALSE(parse_document(text, "f", problems));
  REQUIRE(problems.size() == 1);
  INFO(problems[0].line());
  CHECK(problems[0].line().starts_with(problem));
}

TEST_CASE("the same key twice is a problem", "[toml_config]") {
  const Folder folder;
  CHECK(load(folder.write("a.toml", "deadline = \"1m\"\ndeadline = \"1m\"\n")).text.find(":2:") != std::string::npos);
  CHECK(load(folder.write("b.toml", relay("a") + relay("a"))).text.find(":3:") != std::string::npos);
}

TEST_CASE("entries keep the order of the file", "[toml_config]") {
  std::vector<ConfigProblem> problems;
  const auto document =
      parse_document("\xEF\xBB\xBFz = 1\r\ny.b = 2\r\na = [true, 1.5, \"x\"]\r\ny.a = {}\r\n", "f", problems);
  REQUIRE(document);
  REQUIRE(document->entries.size() == 3);
  CHECK(document->entries[0].key == "z");
  CHECK(document->entries[1].key == "y");
  const auto& inner = std::get<DocumentTable>(document->entries[1].value.value);
  REQUIRE(inner.size() == 2);
  CHECK(inner[0].key == "b");
  CHECK(inner[1].at.line == 4);
  const auto& array = std::get<DocumentArray>(document->entries[2].value.value);
  CHECK(std::get<bool>(array[0].value));
  CHECK(std::get<double>(array[1].value) == 1.5);
  CHECK(std::get<std::string>(array[2].value) == "x");
  CHECK(array[2].at.line == 3);
  CHECK(array[2].at.column == 17);
  CHECK(problems.empty());
}

TEST_CASE("what is nested without end is a problem", "[toml_config]") {
  std::vector<ConfigProblem> problems;
  REQUIRE(parse_document("a = " + std::string(100, '[') + std::string(100, ']'), "f", problems));
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].line() == "f:1:21: error: arrays and tables are nested too deeply; nothing here needs it");
  problems.clear();
  CHECK_FALSE(parse_document("a = " + std::string(100'000, '['), "f", problems));
  CHECK(problems.size() == 1);
}

TEST_CASE("included files are read in the order of their names", "[toml_config]") {
  const Folder folder;
  const std::string file =
      folder.write("main.toml", "include = \"conf.d/*.toml\"\n[chain.c]\ntiers = [[\"b\", \"a\"]]\n");
  folder.write("conf.d/2.toml", relay("b"));
  folder.write("conf.d/1.toml", relay("a") + "[defaults]\ntls = \"none\"");
  folder.write("conf.d/1.toml~", "broken");
  folder.write("conf.d/.hidden.toml", "broken");
  const Loaded loaded = load(file);
  CHECK(loaded.text.empty());
  CHECK(loaded.configuration.relay("a")->at.file == folder / "conf.d/1.toml");
  CHECK(loaded.configuration.relay("b")->settings.tls == TlsLevel::None);
}

TEST_CASE("an include without a match is no problem, a missing name is one", "[toml_config]") {
  const Folder folder;
  CHECK(load(folder.write("a.toml", "include = \"none/*.toml\"")).text.empty());
  folder.write("conf.d/readme", "");
  CHECK(load(folder.write("b.toml", "include = \"conf.d/*.toml\"")).text.empty());
  CHECK(load(folder.write("c.toml", "include = \"other.toml\"")).text ==
        folder / "other.toml" + ": error: cannot be opened: No such file or directory\n");
  CHECK(load(folder.write("d.toml", "include = \"\"")).text ==
        folder / "d.toml" + ":1:11: error: include: this is not a valid pattern of files\n");
  CHECK(load(folder.write("e.toml", "include = \"a\\u0000b\"")).text.find("not a valid pattern of files") !=
        std::string::npos);
}

TEST_CASE("an absolute include, and a folder that looks like a pattern", "[toml_config]") {
  const Folder folder;
  const std::string other = folder.write("x/other.toml", "deadline = \"1m\"");
  CHECK(load(folder.write("a.toml", "include = \"" + other + "\"")).configuration.run.deadline == 1min);
  folder.write("[a*]/conf.d/1.toml", "deadline = \"2m\"");
  CHECK(load(folder.write("[a*]/a.toml", "include = \"conf.d/?.toml\"")).configuration.run.deadline == 2min);
}

TEST_CASE("included files are held to the same rules", "[toml_config]") {
  const Folder folder;
  const std::string file = folder.write("main.toml", "include = \"conf.d/*\"\n[chain.c]\ntiers = [[\"a\"]]\n");
  const std::string extra = folder.write("conf.d/1.toml", relay("a"), 0664);
  // Nothing about the relay that is missing now.
  CHECK(load(file).text == extra + ": error: may be written by others: chmod go-w " + extra + "\n");
  folder.write("conf.d/1.toml", relay("a") + "weight = \"x\"");
  CHECK(load(file).text == extra +
                               ":3:10: error: [relay.a] weight: \"x\" is not a whole number; write a whole number from "
                               "0 to 1000\n");
  folder.write("conf.d/1.toml", "include = \"other.toml\"\n" + relay("a"));
  CHECK(load(file).text == extra + ":1:1: error: include: an included file cannot include others\n");
}

TEST_CASE("a broken file still says where the log is", "[toml_config]") {
  const Folder folder;
  folder.write("conf.d/1.toml", "[");
  const Loaded loaded = load(folder.write("main.toml", "include = \"conf.d/*\"\nsyslog_ident = \"x\"\n"));
  CHECK_FALSE(loaded.text.empty());
  CHECK(loaded.configuration.run.syslog_ident == "x");
}

#ifdef RELAYPIPE_SOURCE_DIR

namespace {

std::string example() {
  std::ifstream file(RELAYPIPE_SOURCE_DIR "/relaypipe.toml.example");
  std::stringstream text;
  text << file.rdbuf();
  REQUIRE(text.str().size() > 1000);
  return text.str();
}

}  // namespace

TEST_CASE("no setting is left out of the comparison", "[toml_config]") {
  const std::string defaults = all_of({}, {});
  for (const SettingKey& key : settings_table()) {
    INFO(std::string(key.name));
    bool told_apart = false;
    for (const char* const value :
         {"7s",      "7k",         "77",        "yes",     "no",
          "none",    "any",        "4",         "encrypt", "1.3",
          "xclient", "next",       "a.example", "/a/b",    "192.0.2.1",
          "PLAIN",   "pipelining", "+",         "word",    "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}) {
      RunSettings run;
      RelaySettings relay;
      told_apart = told_apart || (!key.apply(run, relay, value) && all_of(run, relay) != defaults);
    }
    CHECK(told_apart);
  }
}

TEST_CASE("the example is a good configuration", "[toml_config]") {
  const Folder folder;
  const Loaded loaded = load(folder.write("a.toml", example()));
  CHECK(loaded.text.empty());
  CHECK(loaded.configuration.chain("outbound") != nullptr);
  CHECK(all_of(loaded.configuration.run, loaded.configuration.relay_defaults) == all_of({}, {}));
}

TEST_CASE("the example shows every setting with its default", "[toml_config]") {
  const Folder folder;
  // Of a key that is shown in two forms the first counts.
  std::string text = std::regex_replace(example(), std::regex("(^|\n)#(policy = \"inet:[^\n]*)"), "$1");
  text = std::regex_replace(text, std::regex("(^|\n)#([a-z0-9_]+ = )"), "$1$2");
  const Loaded loaded = load(folder.write("a.toml", text));
  CHECK(loaded.text.empty());
  CHECK(all_of(loaded.configuration.run, loaded.configuration.relay_defaults) == all_of({}, {}));
  for (const SettingKey& key : settings_table()) {
    INFO(std::string(key.name));
    CHECK(text.find("\n" + std::string(key.name) + " = ") != std::string::npos);
  }
}

#endif
