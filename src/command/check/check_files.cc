#include "command/check/check_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <utility>

#include "base/printable.h"
#include "command/check/check_store.h"
#include "command/check/check_trust.h"
#include "config/key_places.h"
#include "config/password_map.h"
#include "http/access_key.h"
#include "io/base/error_text.h"
#include "io/base/json_reader.h"
#include "io/credentials/file.h"
#include "io/credentials/file_token_store.h"
#include "io/curl/library.h"
#include "relay/host.h"

namespace relaypipe {
namespace {

using Severity = ConfigProblem::Severity;

/// A section of the file, from which its keys are named.
struct SectionPlace {
  Position at;        ///< line 0: the top of the file
  std::string label;  ///< `[relay.ses] `; empty at the top
  /// What stands before the key in `at`'s table: `oauth2.`, or nothing.
  std::string nested;
};

class FileCheck {
 public:
  FileCheck(LoadedConfiguration& loaded, const std::set<std::string>& told)
      : loaded_(loaded), told_(told), reader_(FileReader::self()) {}

  void run() {
    const Configuration& configuration = loaded_.configuration;
    const SectionPlace top{{loaded_.file, 0, 0}, "", ""};
    check_tls(top, configuration.relay_defaults, Severity::Warning);
    check_map(top, configuration.relay_defaults.password_map);
    check_program(top, "on_change", configuration.on_change);
    check_mechanisms(top, configuration.relay_defaults);
    for (const auto& [name, relay] : configuration.relays)
      check_relay(relay);
    if (configuration.fleet) check_fleet(*configuration.fleet);
    // Its rights were judged as far as root can: only the user that delivers knows its groups.
    if (secrets_ && reader_.administrator) {
      add(Severity::Warning, top.at,
          fmt::format(
              "the files with secrets were looked at as root, who may read all, because neither state_directory "
              "{} nor master.cf tells which user delivers; make it with install -d -o USER -m 0700 {}",
              configuration.run.state_directory, configuration.run.state_directory));
    }
  }

 private:
  void check_fleet(const FleetConfig& fleet) {
    const SectionPlace section{fleet.at, "[fleet] ", ""};
    check_secret(section, "password_file", fleet.password_file);
    check_present(section, "ca_file", fleet.ca_file, R_OK, Severity::Error);
    // A URL that cannot be read was reported, and leads nowhere.
    if (fleet.url.empty()) return;
    if (const auto problem = store_problem(fleet, loaded_.configuration.run))
      add(Severity::Warning, section, "url", fmt::format("{} does not answer: {}", fleet.url, *problem));
  }

  void check_relay(const RelayConfig& relay) {
    const SectionPlace section{relay.at, fmt::format("[relay.{}] ", shown(relay.name)), ""};
    const AccountConfig& account = relay.account;
    check_tls(section, relay.settings, Severity::Error);
    check_mechanisms(section, relay.settings);
    check_secret(section, "password_file", account.password_file, account.key_pair);
    check_program(section, "password_command", account.password_command);
    check_map(section, account.password_map);
    check_map_key(relay, section);
    if (!account.oauth2) return;
    check_token(relay);
    const SectionPlace inner{relay.at, fmt::format("[relay.{}.oauth2] ", shown(relay.name)), "oauth2."};
    check_secret(inner, "token_file", account.oauth2->token_file);
    check_program(inner, "token_command", account.oauth2->token_command);
    check_secret(inner, "client_secret_file", account.oauth2->client_secret_file);
    check_secret(inner, "refresh_token_file", account.oauth2->refresh_token_file);
    check_present(inner, "ca_file", account.oauth2->ca_file, R_OK, Severity::Error);
  }

  void check_secret(const SectionPlace& section, std::string_view key, const std::string& file, bool key_pair = false) {
    if (file.empty() || told_.contains(file)) return;
    secrets_ = true;
    if (key_pair) return check_access_key(section, key, file);
    const auto secret = read_secret_file(file, reader_);
    if (!secret) return add(Severity::Error, section, key, secret.error());
    const std::string_view text = secret->reveal();
    if (!text.empty() && (is_blank(text.front()) || is_blank(text.back())))
      add(Severity::Warning, section, key,
          fmt::format("{} begins or ends with a space, which is sent as a part of the secret", printable(file)));
    warn_of_readers(section, key, file);
  }

  void check_access_key(const SectionPlace& section, std::string_view key, const std::string& file) {
    const auto text = read_private_file(file, reader_, kLongestSecret);
    if (!text) return add(Severity::Error, section, key, text.error());
    const auto pair = parse_access_key(text->reveal(), read_json);
    if (!pair) return add(Severity::Error, section, key, fmt::format("{} {}", printable(file), pair.error()));
    warn_of_readers(section, key, file);
  }

  void warn_of_readers(const SectionPlace& section, std::string_view key, const std::string& file) {
    if (const auto warning = secret_warning(file)) add(Severity::Warning, section, key, *warning);
  }

  static bool is_blank(char c) { return c == ' ' || c == '\t'; }

  /// An account that has only a map needs a line there; of a relay by MX only the delivery knows the hosts.
  void check_map_key(const RelayConfig& relay, const SectionPlace& section) {
    const AccountConfig& account = relay.account;
    if (account.password_map.empty() || account.certain() || account.sender_dependent) return;
    if (relay.destination.lookup != Lookup::Address) return;
    const auto text = read_private_file(account.password_map, reader_, kLongestPasswordMap);
    if (!text) return;
    const auto map = parse_password_map(text->reveal());
    const auto keys = password_map_keys("", relay.destination.host, relay.destination);
    if (find_account(map, keys) != nullptr) return;
    add(Severity::Warning, section, "password_map",
        fmt::format("no line of {} is for this relay, so mail goes to it without AUTH; keys looked for: {}",
                    printable(account.password_map), printable(fmt::format("{}", fmt::join(keys, ", ")))));
  }

  /// Whether somebody has consented already, where that is what the account lives by.
  void check_token(const RelayConfig& relay) {
    const Oauth2Config& oauth2 = *relay.account.oauth2;
    if (oauth2.token_endpoint.empty() || oauth2.grant != Oauth2Config::Grant::RefreshToken) return;
    if (!oauth2.refresh_token_file.empty()) return;
    FileTokenStore store(loaded_.configuration.run.state_directory);
    const auto record = store.read(relay.name);
    if (record && *record && !(*record)->refresh_token.empty()) return;
    add(Severity::Warning, key_position(loaded_.documents, relay.at, "oauth2"),
        fmt::format("[relay.{0}.oauth2] there is no token yet, so mail waits for this relay: relaypipe token {0} "
                    "--authorize",
                    shown(relay.name)));
  }

  /// A map is named once however many relays have it.
  void check_map(const SectionPlace& section, const std::string& file) {
    if (file.empty() || told_.contains(file) || !maps_.insert(file).second) return;
    secrets_ = true;
    const auto text = read_private_file(file, reader_, kLongestPasswordMap);
    if (!text) return add(Severity::Error, section, "password_map", text.error());
    warn_of_readers(section, "password_map", file);
    for (const MapAccount& account : parse_password_map(text->reveal())) {
      if (!account.problem.empty()) add(Severity::Warning, {file, account.line, 1}, account.problem);
    }
  }

  void check_program(const SectionPlace& section, std::string_view key, const std::vector<std::string>& argv) {
    if (!argv.empty()) check_present(section, key, argv.front(), X_OK, Severity::Error);
  }

  /// `trouble`: how bad it is. As a default it only concerns relays that need it.
  void check_tls(const SectionPlace& section, const RelaySettings& settings, Severity trouble) {
    const TlsSettings& tls = settings.tls_more;
    const TlsSettings& defaults = loaded_.configuration.relay_defaults.tls_more;
    const auto own = [&](const std::string& file, const std::string& inherited) {
      return section.label.empty() || file != inherited;
    };
    const Severity authorities = settings.tls >= TlsLevel::Verify ? trouble : Severity::Warning;
    if (own(tls.ca_file, defaults.ca_file) && check_present(section, "tls_ca_file", tls.ca_file, R_OK, authorities))
      check_content(section, "tls_ca_file", tls.ca_file, authorities_problem, authorities);
    if (own(tls.ca_path, defaults.ca_path) && tls.ca_file.empty() &&
        check_present(section, "tls_ca_path", tls.ca_path, R_OK | X_OK, authorities))
      check_content(section, "tls_ca_path", tls.ca_path, trust_store_problem, authorities);
    if (own(tls.cert_file, defaults.cert_file)) check_present(section, "tls_cert_file", tls.cert_file, R_OK, trouble);
    if (own(tls.key_file, defaults.key_file)) check_secret_key(section, tls.key_file, trouble);
    if (!tls.key_file.empty() && tls.cert_file.empty()) {
      add(trouble, section, "tls_key_file", "there is no tls_cert_file for it");
    }
  }

  void check_content(const SectionPlace& section, std::string_view key, const std::string& written,
                     std::optional<std::string> (*problem_of)(const std::string&), Severity trouble) {
    const auto path = expand_secret_path(written);
    if (!path) return;
    if (const auto problem = problem_of(*path))
      add(trouble, section, key, fmt::format("{} {}", printable(written), *problem));
  }

  /// Mechanisms that nothing is wrong with but that this libcurl was built without.
  void check_mechanisms(const SectionPlace& section, const RelaySettings& settings) {
    const std::vector<std::string>& inherited = loaded_.configuration.relay_defaults.auth_mechanisms;
    if (!section.label.empty() && settings.auth_mechanisms == inherited) return;
    for (const std::string& name : settings.auth_mechanisms) {
      if (!libcurl_lacks(name)) continue;
      add(Severity::Warning, section, "auth_mechanisms", fmt::format("{} has no {}", libcurl_version(), name));
    }
  }

  void check_secret_key(const SectionPlace& section, const std::string& file, Severity trouble) {
    if (file.empty() || told_.contains(file)) return;
    secrets_ = true;
    const auto key = read_private_file(file, reader_, kLongestSecret);
    if (!key) return add(trouble, section, "tls_key_file", key.error());
    warn_of_readers(section, "tls_key_file", file);
  }

  /// Whether the file is named, there, and of the right kind; what is wrong with it is added.
  bool check_present(const SectionPlace& section, std::string_view key, const std::string& written, int rights,
                     Severity trouble) {
    if (written.empty()) return false;
    const auto wrong = [&](const std::string& what) {
      add(trouble, section, key, what);
      return false;
    };
    const auto path = expand_secret_path(written);
    if (!path) return wrong(path.error());
    struct stat status {};
    if (::stat(path->c_str(), &status) != 0 || ::access(path->c_str(), rights) != 0) {
      const std::string_view action = (rights & R_OK) != 0 ? "read" : "run";
      return wrong(fmt::format("{} cannot be {}: {}", printable(written), action, error_text(errno)));
    }
    const bool directory = S_ISDIR(status.st_mode);
    const bool wanted = rights == (R_OK | X_OK);
    if (directory != wanted)
      return wrong(fmt::format("{} is {}", printable(written), directory ? "a directory" : "not a directory"));
    if (!directory && status.st_size == 0) return wrong(printable(written) + " is empty");
    return true;
  }

  /// A problem of one key, at the line where it is written.
  void add(Severity severity, const SectionPlace& section, std::string_view key, std::string_view text) {
    add(severity, key_position(loaded_.documents, section.at, section.nested + std::string(key)),
        fmt::format("{}{}: {}", section.label, key, text));
  }

  void add(Severity severity, Position at, std::string text) {
    loaded_.problems.push_back({severity, std::move(at), std::move(text)});
  }

  LoadedConfiguration& loaded_;
  const std::set<std::string>& told_;
  FileReader reader_;
  std::set<std::string> maps_;
  bool secrets_ = false;
};

}  // namespace

void check_files(LoadedConfiguration& loaded, const std::set<std::string>& told) { FileCheck(loaded, told).run(); }

}  // namespace relaypipe
