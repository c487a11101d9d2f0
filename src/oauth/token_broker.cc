#include "oauth/token_broker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "oauth/token_request.h"
#include "oauth/token_texts.h"
#include "relay/units.h"

namespace relaypipe {
namespace {

constexpr Duration kLockRetry = std::chrono::milliseconds(40);

const Oauth2Config& config_of(const Relay& relay) { return *relay.account.oauth2; }

bool refreshes(const Relay& relay) { return config_of(relay).grant == Oauth2Config::Grant::RefreshToken; }

}  // namespace

void TokenBroker::ask(DialId id, const Relay& relay, bool refused) { begin(id, relay, refused, false); }

void TokenBroker::renew(DialId id, const Relay& relay) { begin(id, relay, false, true); }

void TokenBroker::begin(DialId id, const Relay& relay, bool refused, bool forced) {
  for (const auto& inquiry : inquiries_) {
    // One request serves all addresses of a relay that are tried at the same time.
    if (inquiry->relay->name == relay.name && inquiry->refused == refused) return inquiry->ids.push_back(id);
  }
  auto inquiry = std::make_unique<Inquiry>();
  inquiry->ids = {id};
  inquiry->relay = &relay;
  inquiry->refused = refused;
  inquiry->forced = forced;
  inquiry->ends = services_.clock.now() + relay.settings->secret_limit;
  if (const auto before = given_out_.find(relay.name); before != given_out_.end())
    inquiry->last = before->second.access_token.clone();
  if (!advance(*inquiry)) inquiries_.push_back(std::move(inquiry));
}

std::vector<TokenEvent> TokenBroker::take_answers() {
  finish(services_.clock.now());
  return std::exchange(answers_, {});
}

void TokenBroker::cancel(DialId id) {
  std::erase_if(answers_, [&](const TokenEvent& event) { return event.id == id; });
  std::erase_if(inquiries_, [&](const auto& inquiry) {
    std::erase(inquiry->ids, id);
    if (!inquiry->ids.empty()) return false;
    // See unfinished().
    if (inquiry->posted && refreshes(*inquiry->relay)) return false;
    if (inquiry->posted) services_.endpoint.cancel(inquiry->posted->id);
    return true;
  });
}

bool TokenBroker::unfinished() const {
  return std::any_of(inquiries_.begin(), inquiries_.end(),
                     [](const auto& inquiry) { return inquiry->posted && refreshes(*inquiry->relay); });
}

Instant TokenBroker::interests(std::vector<pollfd>&, Instant now) {
  if (!answers_.empty()) return now;
  Instant wake = Instant::max();
  for (const auto& inquiry : inquiries_)
    wake = std::min(wake, inquiry->retry);
  return wake;
}

void TokenBroker::serve(std::span<const pollfd>, Instant now) { finish(now); }

/// Goes on with every inquiry that something happened for.
void TokenBroker::finish(Instant now) {
  for (const HttpEvent& event : services_.endpoint.take_answers()) {
    std::erase_if(inquiries_, [&](const auto& inquiry) {
      return inquiry->posted && inquiry->posted->id == event.id && judge(*inquiry, event.answer);
    });
  }
  std::erase_if(inquiries_, [&](const auto& inquiry) { return now >= inquiry->retry && advance(*inquiry); });
}

bool TokenBroker::advance(Inquiry& inquiry) {
  inquiry.retry = Instant::max();
  inquiry.record = look_up(inquiry);
  const TokenRecord& record = inquiry.record;
  // Another process may have replaced the refused one already.
  const bool disliked =
      inquiry.refused && (inquiry.last.empty() || record.access_token.reveal() == inquiry.last.reveal());
  const TokenStep step = inquiry.forced ? TokenStep::Renew : next_step(record, services_.wall.seconds(), disliked);
  if (step == TokenStep::Use) return answer(inquiry, record);
  if (step == TokenStep::Fail && !paused_for_another(inquiry)) {
    return refuse(inquiry, pausing(record, services_.wall.seconds())
                               ? record.failure
                               : "the relay refuses tokens of this account, also the "
                                 "one that replaced a refused one just now");
  }
  if (inquiry.lock || inquiry.lockless) return post(inquiry);
  return enter(inquiry);
}

/// Becomes the one process that renews this token, or waits for the one that is.
bool TokenBroker::enter(Inquiry& inquiry) {
  auto [lock, problem] = services_.store.try_lock(inquiry.relay->name);
  inquiry.lock = std::move(lock);
  // Whoever had the lock before may have left a new token.
  if (inquiry.lock) return advance(inquiry);
  if (!problem.empty()) {
    warn(inquiry, problem + "; a token is fetched for this delivery alone");
    inquiry.lockless = true;
    return post(inquiry);
  }
  const bool good =
      !inquiry.refused && !inquiry.forced && token_age(inquiry.record, services_.wall.seconds()) != TokenAge::Ended;
  if (good) return answer(inquiry, inquiry.record);
  const Instant now = services_.clock.now();
  if (now >= inquiry.ends)
    return refuse(inquiry, fmt::format("another process has been renewing the token for {}",
                                       format_duration(inquiry.relay->settings->secret_limit)));
  inquiry.retry = std::min(now + kLockRetry, inquiry.ends);
  return false;
}

bool TokenBroker::post(Inquiry& inquiry) {
  const Instant now = services_.clock.now();
  auto body = form(inquiry);
  if (!body) return fall_back(inquiry, body.error());
  inquiry.posted = Posted{.id = next_post_++, .at = services_.wall.seconds()};
  const Oauth2Config& config = config_of(*inquiry.relay);
  services_.endpoint.post(inquiry.posted->id,
                          {.url = config.token_endpoint,
                           .ca_file = config.ca_file,
                           .form = *std::move(body),
                           .limit = std::max<Duration>(inquiry.ends - now, std::chrono::milliseconds(1))});
  return false;
}

bool TokenBroker::judge(Inquiry& inquiry, const Result<EndpointAnswer, std::string>& answer) {
  assert(inquiry.posted);
  const TokenTime asked = inquiry.posted->at;
  inquiry.posted.reset();
  const Relay& relay = *inquiry.relay;
  std::string why;
  if (answer) {
    std::vector<std::string_view> sent;
    for (const Secret& secret : inquiry.sent)
      sent.push_back(secret.reveal());
    const auto granted = judge_token_answer(answer->status, services_.read_answer(answer->body.reveal()), sent);
    if (granted) return keep(inquiry, *granted, asked);
    why = endpoint_refusal(relay, granted.error());
  } else {
    why = endpoint_name(config_of(relay).token_endpoint) + " " + answer.error();
  }
  remember_failure(inquiry, why);
  return fall_back(inquiry, why);
}

bool TokenBroker::keep(Inquiry& inquiry, const GrantedToken& granted, TokenTime asked) {
  const Relay& relay = *inquiry.relay;
  TokenRecord before = inquiry.record.clone();
  before.given = inquiry.given;
  before.after_refusal = inquiry.refused;
  if (inquiry.from_file) {
    before.refresh_token = Secret();
    before.refresh_obtained = {};
    before.refresh_ends = {};
  }
  const TokenRecord record = renewed(before, granted, asked);
  if (const auto problem = services_.store.write(relay.name, record)) {
    const bool rotated = !granted.refresh_token.empty() &&
                         (inquiry.sent.empty() || granted.refresh_token.reveal() != inquiry.sent.back().reveal());
    warn(inquiry, rotated ? fmt::format("THE NEW REFRESH TOKEN IS LOST: {}; the old one may be void from now on. Put "
                                        "that right, then {}",
                                        *problem, way_to_authorize(relay))
                          : *problem);
  }
  return this->answer(inquiry, record);
}

/// There is no new token; the old one serves while it lasts.
bool TokenBroker::fall_back(Inquiry& inquiry, const std::string& why) {
  const bool good =
      !inquiry.refused && !inquiry.forced && token_age(inquiry.record, services_.wall.seconds()) != TokenAge::Ended;
  if (!good) return refuse(inquiry, why);
  warn(inquiry, why + "; the old token is still good");
  return answer(inquiry, inquiry.record);
}

bool TokenBroker::answer(Inquiry& inquiry, const TokenRecord& record) {
  for (const DialId id : inquiry.ids)
    answers_.push_back({id, record.access_token.clone()});
  given_out_[inquiry.relay->name] = record.clone();
  return true;
}

bool TokenBroker::refuse(Inquiry& inquiry, const std::string& why) {
  for (const DialId id : inquiry.ids)
    answers_.push_back({id, fail(why)});
  return true;
}

/// What is known of the relay's token; an empty record of this account where nothing is.
TokenRecord TokenBroker::look_up(const Inquiry& inquiry) {
  const std::uint64_t account = account_mark(config_of(*inquiry.relay));
  auto kept = services_.store.read(inquiry.relay->name);
  if (!kept) warn(inquiry, kept.error());
  if (kept && *kept && (*kept)->account == account) return **std::move(kept);
  const auto before = given_out_.find(inquiry.relay->name);
  if (before != given_out_.end() && before->second.account == account) return before->second.clone();
  TokenRecord none;
  none.account = account;
  return none;
}

/// Whether the refresh token in the file is not the one that failed: then nobody has to wait.
bool TokenBroker::paused_for_another(const Inquiry& inquiry) {
  const std::string& file = config_of(*inquiry.relay).refresh_token_file;
  if (!refreshes(*inquiry.relay) || file.empty() || !pausing(inquiry.record, services_.wall.seconds())) return false;
  const auto given = services_.read_secret(file);
  return given && mark(given->reveal()) != inquiry.record.failed_given;
}

Result<Secret, std::string> TokenBroker::form(Inquiry& inquiry) {
  const Oauth2Config& config = config_of(*inquiry.relay);
  Secret client_secret;
  if (!config.client_secret_file.empty()) {
    auto read = services_.read_secret(config.client_secret_file);
    if (!read) return fail(read.error());
    client_secret = *std::move(read);
  }
  inquiry.sent.clear();
  inquiry.sent.push_back(client_secret.clone());
  if (!refreshes(*inquiry.relay)) return client_credentials_request(config, client_secret);
  if (const auto problem = choose_refresh_token(inquiry)) return fail(*problem);
  return refresh_request(config, client_secret, inquiry.sent.back());
}

/// The refresh token that holds, as the last of `sent`. One that the endpoint gave in place of the file's wins until
/// the administrator writes another one into the file.
std::optional<std::string> TokenBroker::choose_refresh_token(Inquiry& inquiry) {
  const std::string& file = config_of(*inquiry.relay).refresh_token_file;
  const TokenRecord& record = inquiry.record;
  Secret given;
  if (!file.empty()) {
    auto read = services_.read_secret(file);
    if (!read) return read.error();
    given = *std::move(read);
  }
  inquiry.given = mark(given.reveal());
  inquiry.from_file = record.refresh_token.empty() || (!file.empty() && record.given != inquiry.given);
  if (inquiry.from_file && given.empty()) return "there is no refresh token: " + way_to_authorize(*inquiry.relay);
  inquiry.sent.push_back(inquiry.from_file ? std::move(given) : record.refresh_token.clone());
  return std::nullopt;
}

/// For the other processes, so that they need not find out for themselves.
void TokenBroker::remember_failure(Inquiry& inquiry, const std::string& why) {
  const auto kept = services_.store.read(inquiry.relay->name);
  // What was kept for another account stays: it may have been taken away by a mistake that is soon fixed.
  if (!kept || (*kept && (*kept)->account != inquiry.record.account)) return;
  TokenRecord record = inquiry.record.clone();
  record.failed = services_.wall.seconds();
  record.failure = why;
  record.failed_given = inquiry.given;
  static_cast<void>(services_.store.write(inquiry.relay->name, record));
}

/// Once per text: several addresses of a relay find the same.
void TokenBroker::warn(const Inquiry& inquiry, const std::string& text) {
  std::string line = fmt::format("{}: token of relay {}: {}", log_id_, inquiry.relay->name, text);
  if (std::find(warned_.begin(), warned_.end(), line) != warned_.end()) return;
  services_.journal.line(Journal::Level::Warning, line);
  warned_.push_back(std::move(line));
}

}  // namespace relaypipe
