#include "io/credentials/keyring.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/printable.h"
#include "http/access_key.h"
#include "io/base/json_reader.h"

namespace relaypipe {
namespace {

/// Whether the account's bearer token is held by a file or printed by a command, and so cannot be renewed by us.
bool is_held(const AccountConfig& account) { return account.oauth2 && account.oauth2->token_endpoint.empty(); }

const std::vector<std::string>& command_of(const AccountConfig& account) {
  return account.oauth2 ? account.oauth2->token_command : account.password_command;
}

const std::string& file_of(const AccountConfig& account) {
  return account.oauth2 ? account.oauth2->token_file : account.password_file;
}

Result<Secret, std::string> copy_of(const Result<Secret, std::string>& found) {
  if (!found) return fail(found.error());
  return found->clone();
}

}  // namespace

AccountKeyring::AccountKeyring(const Clock& clock, std::string sender, TokenSource* tokens)
    : clock_(clock), sender_(std::move(sender)), tokens_(tokens), reader_(FileReader::self()) {}

void AccountKeyring::begin_message(std::string sender) {
  sender_ = std::move(sender);
  events_.clear();
  running_.clear();
  kept_.clear();
  given_.clear();
  again_.clear();
  maps_.clear();
  asked_.clear();
}

void AccountKeyring::ask(DialId id, const Relay& relay, std::string_view host, bool refused) {
  const AccountConfig& account = relay.account;
  if (account.certain()) return ask_account(id, relay, refused);
  if (account.password_map.empty()) return answer(id, std::optional<Credentials>());
  if (refused) return answer(id, fail(std::string("the relay refuses the account of the password map")));
  answer(id, look_up(relay, host));
}

void AccountKeyring::ask_account(DialId id, const Relay& relay, bool refused) {
  const AccountConfig& account = relay.account;
  if (account.oauth2 && !is_held(account)) {
    if (tokens_ == nullptr) return answer(id, fail(std::string("no token can be fetched")));
    asked_.push_back({id, &relay});
    return tokens_->ask(id, relay, refused);
  }
  // A password does not change by asking again; a token may have been renewed by whoever keeps it.
  if (refused && !account.oauth2) return answer(id, fail(std::string("the relay refuses the username or password")));
  if (refused) {
    kept_.erase(&relay);
    again_.push_back(id);
  }
  if (!command_of(account).empty()) return run(id, relay, command_of(account));
  answer_secret(id, relay,
                account.key_pair ? read_private_file(file_of(account), reader_, kLongestSecret)
                                 : read_secret_file(file_of(account), reader_));
}

/// The account that the map has for this relay, and for this sender where it may depend on it.
AccountKeyring::Answer AccountKeyring::look_up(const Relay& relay, std::string_view host) {
  const std::string& file = relay.account.password_map;
  auto known = maps_.find(file);
  if (known == maps_.end()) {
    const auto text = read_private_file(file, reader_, kLongestPasswordMap);
    using Map = Result<std::vector<MapAccount>, std::string>;
    known = maps_.emplace(file, text ? Map(parse_password_map(text->reveal())) : Map(fail(text.error()))).first;
  }
  if (!known->second) return fail(known->second.error());
  const std::string_view sender = relay.account.sender_dependent ? std::string_view(sender_) : std::string_view();
  const auto keys = password_map_keys(sender, host, relay.destination, relay.settings->recipient_delimiter);
  const MapAccount* const account = find_account(*known->second, keys);
  if (account == nullptr) return std::optional<Credentials>();
  if (!account->problem.empty()) {
    return fail(fmt::format("{}:{}: {}", printable(file), account->line, account->problem));
  }
  return std::optional(Credentials{account->username, account->password.clone(), false, account->key == lower(host)});
}

void AccountKeyring::run(DialId id, const Relay& relay, const std::vector<std::string>& argv) {
  if (const auto kept = kept_.find(&relay); kept != kept_.end()) return answer_secret(id, relay, copy_of(kept->second));
  const auto same = std::find_if(running_.begin(), running_.end(), [&](const Running& r) { return r.relay == &relay; });
  if (same != running_.end()) return same->waiting.push_back(id);
  const Instant ends = clock_.now() + relay.settings->secret_limit;
  using Wanted = AccountCommand::Wanted;
  const Wanted wanted = relay.account.key_pair ? Wanted::All : Wanted::FirstLine;
  running_.push_back({&relay, std::make_unique<AccountCommand>(argv, ends, wanted), {id}});
  // The list owns it; clang-tidy 14 loses it in the aggregate.
}  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks)

void AccountKeyring::answer(DialId id, Answer result) { events_.push_back({id, std::move(result)}); }

void AccountKeyring::answer_secret(DialId id, const Relay& relay, const Found& found) {
  if (!found) return answer(id, fail(found.error()));
  if (relay.account.key_pair) return answer_key_pair(id, relay, *found);
  if (is_held(relay.account)) {
    Secret& last = given_[&relay];
    const bool refused = std::erase(again_, id) > 0;
    if (refused && last.reveal() == found->reveal()) {
      return answer(id, fail(std::string("the relay refuses the access token, and there is no newer one")));
    }
    last = found->clone();
  }
  answer(id, std::optional(Credentials{relay.account.username, found->clone(), relay.account.oauth2.has_value()}));
}

void AccountKeyring::answer_key_pair(DialId id, const Relay& relay, const Secret& text) {
  auto key = parse_access_key(text.reveal(), read_json);
  if (!key) {
    const auto& argv = command_of(relay.account);
    const std::string& source = argv.empty() ? file_of(relay.account) : argv.front();
    return answer(id, fail(fmt::format("{} {}", printable(source), key.error())));
  }
  answer(id, std::optional(
                 Credentials{std::move(key->id), std::move(key->secret), false, false, std::move(key->session_token)}));
}

std::vector<KeyringEvent> AccountKeyring::take_answers() {
  if (tokens_ != nullptr && !asked_.empty()) {
    for (const TokenEvent& event : tokens_->take_answers()) {
      const auto asked = std::find_if(asked_.begin(), asked_.end(), [&](const Asked& a) { return a.id == event.id; });
      if (asked == asked_.end()) continue;
      answer_secret(event.id, *asked->relay, event.token);
      asked_.erase(asked);
    }
  }
  return std::exchange(events_, {});
}

void AccountKeyring::cancel(DialId id) {
  std::erase_if(events_, [&](const KeyringEvent& event) { return event.id == id; });
  for (Running& running : running_)
    std::erase(running.waiting, id);
  // The secret is wanted by nobody now; should the relay be tried again, the command runs anew.
  std::erase_if(running_, [](const Running& running) { return running.waiting.empty(); });
  if (std::erase_if(asked_, [&](const Asked& asked) { return asked.id == id; }) > 0) tokens_->cancel(id);
}

Instant AccountKeyring::interests(std::vector<pollfd>& fds, Instant now) {
  Instant wake = events_.empty() ? Instant::max() : now;
  for (Running& running : running_)
    wake = std::min(wake, running.command->interests(fds, now));
  return wake;
}

void AccountKeyring::serve(std::span<const pollfd>, Instant now) {
  for (auto it = running_.begin(); it != running_.end();) {
    auto result = it->command->serve(now);
    if (!result) {
      ++it;
      continue;
    }
    for (const DialId id : it->waiting)
      answer_secret(id, *it->relay, *result);
    kept_.emplace(it->relay, *std::move(result));
    it = running_.erase(it);
  }
}

}  // namespace relaypipe
