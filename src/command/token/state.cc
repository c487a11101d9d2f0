#include "command/token/state.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/printable.h"
#include "oauth/token_texts.h"
#include "relay/units.h"

namespace relaypipe {
namespace {

using Access = TokenState::Access;
using Grant = Oauth2Config::Grant;
using Refresh = TokenState::Refresh;

std::string date(TokenTime time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

/// Days, or what is easier to grasp.
std::string span(std::chrono::seconds time) {
  using namespace std::chrono_literals;
  if (time >= 48h) return fmt::format("{} days", time / 24h);
  if (time >= 60s) return format_duration(std::chrono::floor<std::chrono::minutes>(time));
  return fmt::format("{}s", time.count());
}

Access access_of(TokenAge age) {
  switch (age) {
    case TokenAge::Fresh: return Access::Fresh;
    case TokenAge::Due: return Access::Due;
    case TokenAge::Ended: break;
  }
  return Access::Ended;
}

void look_at_refresh_token(const Relay& relay, const TokenRecord& record, const SecretReader& read_secret,
                           TokenState& state) {
  const std::string& file = relay.account.oauth2->refresh_token_file;
  std::uint64_t given = mark("");
  if (!file.empty()) {
    const auto read = read_secret(file);
    if (!read) {
      state.refresh = Refresh::Missing;
      state.problem = read.error();
      return;
    }
    given = mark(read->reveal());
  }
  const bool kept = !record.refresh_token.empty() && (file.empty() || record.given == given);
  state.refresh = kept ? Refresh::Kept : file.empty() ? Refresh::Missing : Refresh::File;
  if (kept) state.refresh_obtained = record.refresh_obtained;
  if (record.refresh_ends != TokenTime()) state.refresh_ends = record.refresh_ends;
  if (state.refresh == Refresh::Missing) state.problem = "there is no refresh token: " + way_to_authorize(relay);
}

void look_at_endpoint(const Relay& relay, TokenStore& store, const SecretReader& read_secret, TokenTime now,
                      TokenState& state) {
  const Oauth2Config& config = *relay.account.oauth2;
  state.source = "token_endpoint";
  state.where = config.token_endpoint;
  state.grant = config.grant == Grant::RefreshToken ? "refresh_token" : "client_credentials";
  state.access = Access::None;
  auto kept = store.read(relay.name);
  TokenRecord record;
  if (kept && *kept && (*kept)->account == account_mark(config)) record = std::move(**kept);
  if (!record.access_token.empty()) {
    state.access = access_of(token_age(record, now));
    state.obtained = record.obtained;
    state.ends = record.ends;
  }
  if (record.failed != TokenTime()) {
    state.failed = record.failed;
    state.failure = record.failure;
  }
  if (config.grant == Grant::RefreshToken) look_at_refresh_token(relay, record, read_secret, state);
  if (!config.client_secret_file.empty()) {
    if (const auto read = read_secret(config.client_secret_file); !read) state.problem = read.error();
  }
  if (!kept) state.problem = kept.error();
}

std::string access_line(const TokenState& state, TokenTime now) {
  if (state.access == Access::Unknown) return "is fetched from there at each delivery";
  if (state.access == Access::None) return state.problem.empty() ? "none yet; the next message fetches one" : "none";
  if (state.access == Access::Ended)
    return fmt::format("ended {}; the next message fetches one (the last one came {})", date(*state.ends),
                       date(*state.obtained));
  return fmt::format("good until {} ({} left), fetched {}{}", date(*state.ends), span(*state.ends - now),
                     date(*state.obtained), state.access == Access::Due ? "; the next message renews it" : "");
}

std::string refresh_line(const TokenState& state, TokenTime now) {
  std::string line;
  if (state.refresh == Refresh::Kept)
    line = fmt::format("kept since {} ({})", date(*state.refresh_obtained), span(now - *state.refresh_obtained));
  else
    line = state.refresh == Refresh::File ? "from refresh_token_file" : "missing";
  if (state.refresh_ends)
    line += *state.refresh_ends > now ? fmt::format(", {} left", span(*state.refresh_ends - now)) : ", ended";
  return line;
}

}  // namespace

std::string_view name(TokenState::Access access) {
  switch (access) {
    case Access::Unknown: return "unknown";
    case Access::None: return "none";
    case Access::Fresh: return "fresh";
    case Access::Due: return "due";
    case Access::Ended: break;
  }
  return "ended";
}

std::string_view name(TokenState::Refresh refresh) {
  switch (refresh) {
    case Refresh::NotNeeded: return "";
    case Refresh::Kept: return "kept";
    case Refresh::File: return "file";
    case Refresh::Missing: break;
  }
  return "missing";
}

TokenState token_state(const Relay& relay, TokenStore& store, const SecretReader& read_secret, TokenTime now) {
  const Oauth2Config& config = *relay.account.oauth2;
  TokenState state;
  state.relay = relay.name;
  if (!config.token_file.empty()) {
    state.source = "token_file";
    state.where = config.token_file;
    if (const auto read = read_secret(config.token_file); !read) state.problem = read.error();
  } else if (!config.token_command.empty()) {
    state.source = "token_command";
    state.where = config.token_command.front();
  } else {
    look_at_endpoint(relay, store, read_secret, now, state);
  }
  return state;
}

std::string describe(const TokenState& state, TokenTime now) {
  std::string text = fmt::format("{}: {} {}{}\n", state.relay, state.source, printable(state.where),
                                 state.grant.empty() ? "" : fmt::format(" (grant {})", state.grant));
  text += fmt::format("  access token:  {}\n", access_line(state, now));
  if (state.refresh != Refresh::NotNeeded) text += fmt::format("  refresh token: {}\n", refresh_line(state, now));
  if (!state.failure.empty())
    text += fmt::format("  last renewal:  failed {}: {}\n", date(*state.failed), state.failure);
  if (!state.problem.empty()) text += fmt::format("  problem:       {}\n", state.problem);
  return text;
}

}  // namespace relaypipe
