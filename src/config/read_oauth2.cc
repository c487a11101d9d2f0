#include "config/read_oauth2.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/printable.h"
#include "base/secret_keys.h"
#include "base/text.h"
#include "config/setting_values.h"
#include "relay/host.h"

namespace relaypipe {
namespace {

using Grant = Oauth2Config::Grant;

constexpr std::size_t kLongestPath = 4095;
constexpr std::size_t kLongestText = 4096;
constexpr std::string_view kCredentials = "${CREDENTIALS_DIRECTORY}/";
constexpr std::string_view kPathForm = "write an absolute path, or \"${CREDENTIALS_DIRECTORY}/NAME\"";
constexpr std::string_view kCommandForm = "write an array such as [\"/usr/bin/pass\", \"show\", \"relay\"]";

std::optional<std::string> secret_path_problem(std::string_view path) {
  if (path.starts_with(kCredentials)) {
    const std::string_view name = path.substr(kCredentials.size());
    if (!name.empty() && name != "." && name != ".." && name.find('/') == name.npos && !has_control(name)) {
      return std::nullopt;
    }
    return "behind ${CREDENTIALS_DIRECTORY}/ stands the name of a credential, without \"/\"";
  }
  std::string scratch;
  if (auto problem = set_path(scratch, path, kLongestPath, "/etc/relaypipe/relay.secret")) {
    return without_value(*problem, path) + ", or ${CREDENTIALS_DIRECTORY}/NAME";
  }
  return std::nullopt;
}

/// An address that tokens are fetched from. Plain http would show the client's secret to everybody on the way.
void read_url(const Section& section, const DocumentEntry& entry, std::string& url) {
  constexpr std::string_view scheme = "https://";
  const std::string* const text = section.text(entry, "write an address such as \"https://login.example.com/token\"");
  if (text == nullptr) return;
  const bool secure = lower(text->substr(0, scheme.size())) == scheme;
  const std::string_view rest = std::string_view(*text).substr(std::min(scheme.size(), text->size()));
  const std::string_view host = rest.substr(0, rest.find('/'));
  const bool clean = !has_control(*text) && text->find(' ') == text->npos && text->size() <= kLongestText;
  if (!secure || host.empty() || !clean || host.find('@') != host.npos) {
    return section.error(
        entry.value.at, entry.key,
        "the value is not an https address without a user name; write one such as https://login.example.com/token");
  }
  // As for all host names here; whether libcurl could translate it depends on how that was built.
  if (std::any_of(host.begin(), host.end(), [](char c) { return static_cast<unsigned char>(c) > 127; })) {
    return section.error(entry.value.at, entry.key, "the host name is not ASCII; write its A-label form (xn--...)");
  }
  url = *text;
}

void read_text(const Section& section, const DocumentEntry& entry, std::string& value) {
  const std::string* const text = section.text(entry, "write a string");
  if (text == nullptr) return;
  if (text->empty() || has_control(*text) || text->size() > kLongestText) {
    return section.error(entry.value.at, entry.key, "write 1 to 4096 octets without control characters");
  }
  value = *text;
}

void read_grant(const Section& section, const DocumentEntry& entry, Grant& grant) {
  constexpr std::string_view form = "write \"refresh_token\" or \"client_credentials\"";
  const std::string* const text = section.text(entry, form);
  if (text == nullptr) return;
  if (*text != "refresh_token" && *text != "client_credentials") {
    return section.error(entry.value.at, entry.key, fmt::format("the value is not allowed; {}", form));
  }
  grant = *text == "refresh_token" ? Grant::RefreshToken : Grant::ClientCredentials;
}

void read_oauth2_key(const Section& section, const DocumentEntry& entry, Oauth2Config& oauth2) {
  const std::string& key = entry.key;
  if (key == "token_file") return read_secret_path(section, entry, oauth2.token_file);
  if (key == "token_command") return read_command(section, entry, oauth2.token_command);
  if (key == "token_endpoint") return read_url(section, entry, oauth2.token_endpoint);
  if (key == "device_endpoint") return read_url(section, entry, oauth2.device_endpoint);
  if (key == "authorization_endpoint") return read_url(section, entry, oauth2.authorization_endpoint);
  if (key == "client_id") return read_text(section, entry, oauth2.client_id);
  if (key == "client_secret_file") return read_secret_path(section, entry, oauth2.client_secret_file);
  if (key == "refresh_token_file") return read_secret_path(section, entry, oauth2.refresh_token_file);
  if (key == "scope") return read_text(section, entry, oauth2.scope);
  if (key == "ca_file") return read_secret_path(section, entry, oauth2.ca_file);
  if (key == "grant") return read_grant(section, entry, oauth2.grant);
  section.unknown_key(entry);
}

/// What is known of the provider holds for a person's mailbox; a program's own access is the tenant's matter.
void take_presets(const TokenPresets& presets, Oauth2Config& oauth2) {
  // A token for SMTP is of no use over HTTPS.
  if (oauth2.scope.empty()) oauth2.scope = presets.https_scope;
  const Provider* const provider = presets.provider;
  if (provider == nullptr || oauth2.grant != Grant::RefreshToken) return;
  const auto fill = [](std::string& value, std::string_view known) {
    if (value.empty()) value = known;
  };
  fill(oauth2.token_endpoint, provider->token_endpoint);
  fill(oauth2.device_endpoint, provider->device_endpoint);
  fill(oauth2.authorization_endpoint, provider->authorization_endpoint);
  fill(oauth2.scope, provider->scope);
}

void judge_request(const Section& section, const DocumentEntry& entry, const Oauth2Config& oauth2) {
  if (oauth2.client_id.empty()) {
    section.error(entry.at, entry.key, "token_endpoint needs a client_id; write the one the provider gave you");
  } else if (oauth2.grant == Grant::ClientCredentials && oauth2.client_secret_file.empty()) {
    section.error(entry.at, entry.key, "grant = \"client_credentials\" needs a client_secret_file");
  }
}

}  // namespace

void read_secret_path(const Section& section, const DocumentEntry& entry, std::string& path) {
  const std::string* const text = section.text(entry, kPathForm);
  if (text == nullptr) return;
  if (const auto problem = secret_path_problem(*text)) return section.error(entry.value.at, entry.key, *problem);
  path = *text;
}

void read_command(const Section& section, const DocumentEntry& entry, std::vector<std::string>& argv) {
  if (std::holds_alternative<std::string>(entry.value.value)) {
    return section.error(entry.value.at, entry.key, fmt::format("no shell reads it; {}", kCommandForm));
  }
  const DocumentArray* const array = section.array(entry, kCommandForm);
  if (array == nullptr) return;
  std::vector<std::string> words;
  for (const DocumentValue& value : *array) {
    const std::string* const word = section.word(value, entry.key, kCommandForm);
    if (word == nullptr) return;
    if (word->find('\0') != word->npos) return section.error(value.at, entry.key, "there is a NUL in it");
    words.push_back(*word);
  }
  if (words.empty() || words.front().empty() || words.front().front() != '/') {
    return section.error(entry.value.at, entry.key,
                         fmt::format("the program is an absolute path, since no PATH is searched; {}", kCommandForm));
  }
  argv = std::move(words);
}

void read_oauth2(const Section& section, const DocumentEntry& entry, AccountConfig& account) {
  const DocumentTable* const table = section.table(entry, "write [relay.NAME.oauth2]");
  if (table == nullptr) return;
  const Section own = section.nested(SectionKind::Oauth2, entry.at);
  account.oauth2.emplace();
  for (const DocumentEntry& key : *table)
    read_oauth2_key(own, key, *account.oauth2);
}

void complete_oauth2(const Section& section, const DocumentEntry& entry, const TokenPresets& presets,
                     AccountConfig& account) {
  if (!account.oauth2) return;
  Oauth2Config& oauth2 = *account.oauth2;
  const bool held = !oauth2.token_file.empty() || !oauth2.token_command.empty();
  if (!held) take_presets(presets, oauth2);
  const std::array<bool, 3> ways{!oauth2.token_file.empty(), !oauth2.token_command.empty(),
                                 !oauth2.token_endpoint.empty()};
  const auto count = std::count(ways.begin(), ways.end(), true);
  if (count != 1) {
    return section.error(
        entry.at, entry.key,
        fmt::format("{}; write one of token_file, token_command and token_endpoint",
                    count == 0 ? "there is nothing to get a token from" : "there are several ways to get the token"));
  }
  if (!held) judge_request(section, entry, oauth2);
}

}  // namespace relaypipe
