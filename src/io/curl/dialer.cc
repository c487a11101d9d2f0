#include "io/curl/dialer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "io/curl/attempt.h"
#include "io/curl/handle.h"
#include "io/curl/library.h"
#include "relay/protection.h"
#include "smtp/sasl.h"

namespace relaypipe {
namespace {

/// The keyring keeps secret_limit itself; this is for one that does not.
constexpr auto kKeyringSlack = std::chrono::milliseconds(2000);

/// Credentials that are there sooner are those of a file.
constexpr auto kAtOnce = std::chrono::milliseconds(50);

/// There are no credentials, or no new ones after the relay refused the old.
SessionFailure without_credentials(const std::string& why, const std::optional<SessionFailure>& refused) {
  if (!refused) return {Stage::Auth, SessionError::NoCredentials, printable(why), std::nullopt, false, true};
  const std::string said = refused->reply ? refused->reply->text() : refused->detail;
  const std::string text = fmt::format("{}; no new token: {}", said, why);
  return {Stage::Auth, SessionError::AuthRefused, printable(text), std::nullopt, false, true};
}

}  // namespace

CurlDialer::CurlDialer(const Clock& clock, Keyring& keyring, Trace* trace)
    : clock_(clock), keyring_(keyring), trace_(trace) {
  start_libcurl();
  multi_ = std::make_shared<CurlMulti>();
}

CurlDialer::~CurlDialer() = default;

void CurlDialer::start(DialId id, const DialTarget& target) {
  std::optional<SessionFailure> refused;
  if (refused_.erase(target.relay->name) > 0)
    refused = SessionFailure{Stage::Auth, SessionError::AuthRefused, "it refused the access token"};
  if (target.relay->account.any())
    ask(id, target, std::move(refused));
  else
    open(id, target, std::nullopt);
}

void CurlDialer::ask(DialId id, const DialTarget& target, std::optional<SessionFailure> refused) {
  const bool renew = refused.has_value();
  const Instant now = clock_.now();
  waiting_.push_back({id, target, now, now + target.relay->settings->secret_limit + kKeyringSlack, std::move(refused)});
  keyring_.ask(id, *target.relay, target.peer.host, renew);
  take_answers();  // those from files are there at once
}

void CurlDialer::take_answers() {
  for (KeyringEvent& event : keyring_.take_answers()) {
    const auto it = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.id == event.id; });
    if (it == waiting_.end()) continue;
    Waiting waiting = std::move(*it);
    waiting_.erase(it);
    if (!event.result) {
      events_.push_back({waiting.id, without_credentials(event.result.error(), waiting.refused)});
    } else if (waiting.target.relay->destination.https) {
      if (*event.result)
        answered_for_https(std::move(waiting), std::move(**event.result));
      else
        events_.push_back({waiting.id, without_credentials("password_map has no account for it", waiting.refused)});
    } else if (*event.result) {
      answered(std::move(waiting), std::move(**event.result));
    } else {
      open(waiting.id, std::move(waiting.target), std::nullopt);
    }
  }
}

/// The host is the one that the configuration names.
void CurlDialer::answered_for_https(Waiting waiting, Credentials credentials) {
  const bool renewed = waiting.refused.has_value();
  const bool waited = clock_.now() - waiting.since > kAtOnce;
  open(waiting.id, std::move(waiting.target), CurlAuth{std::move(credentials), {}, renewed, waited});
}

void CurlDialer::answered(Waiting waiting, Credentials credentials) {
  const RelaySettings& settings = *waiting.target.relay->settings;
  auto mechanisms = mechanisms_for(credentials.bearer, settings.auth_mechanisms);
  const auto lacking = std::erase_if(mechanisms, [](const std::string& name) { return libcurl_lacks(name); });
  if (mechanisms.empty()) {
    const std::string kind = credentials.bearer ? "a token" : "a password";
    const std::string why = fmt::format("auth_mechanisms names none that works with {}{}", kind,
                                        lacking > 0 ? " and " + libcurl_version() : "");
    events_.push_back({waiting.id, without_credentials(why, waiting.refused)});
    return;
  }
  const Peer& peer = waiting.target.peer;
  const Destination& destination = waiting.target.relay->destination;
  if (!credentials.of_host && !is_expected_host(destination, settings, peer.host)) {
    const std::string why =
        fmt::format("DNS alone says that {} is a host of {}; write the relay as [{}]:{}, or its tls_name", peer.host,
                    destination.host, peer.host, peer.port);
    events_.push_back({waiting.id, without_credentials(why, waiting.refused)});
    return;
  }
  waiting.target.tls = tls_policy(destination, settings, {peer.host, peer.ip, true, waiting.target.handshake_failed});
  const bool renewed = waiting.refused.has_value();
  const bool waited = clock_.now() - waiting.since > kAtOnce;
  open(waiting.id, std::move(waiting.target), CurlAuth{std::move(credentials), std::move(mechanisms), renewed, waited});
}

void CurlDialer::open(DialId id, DialTarget target, std::optional<CurlAuth> auth) {
  attempts_.push_back(std::make_unique<CurlAttempt>(id, std::move(target), std::move(auth), trace_, multi_, clock_));
  // The SYN leaves now, not after the next wait.
  multi_->run();
}

Progress CurlDialer::progress(DialId id) const {
  for (const Waiting& waiting : waiting_) {
    if (waiting.id != id) continue;
    return {Stage::Auth, waiting.refused ? std::optional(waiting.since) : std::nullopt};
  }
  for (const auto& attempt : attempts_) {
    if (attempt->id() == id) return attempt->progress();
  }
  return {Stage::Mail, clock_.now()};  // it is ready already, or has failed, and its event is on the way
}

Stage CurlDialer::cancel(DialId id) {
  const Stage reached = stage(id);
  if (std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.id == id; }) > 0) keyring_.cancel(id);
  for (const auto& attempt : attempts_) {
    if (attempt->id() == id) attempt->quit();
  }
  std::erase_if(attempts_, [&](const auto& attempt) { return attempt->id() == id; });
  std::erase_if(events_, [&](const DialEvent& event) { return event.id == id; });
  return reached;
}

std::vector<DialEvent> CurlDialer::take_events() {
  take_answers();
  return std::exchange(events_, {});
}

Instant CurlDialer::interests(std::vector<pollfd>& fds, Instant now) {
  for (const CurlMulti::Watched* session : multi_->watched()) {
    fds.push_back({session->fd, static_cast<short>(POLLIN | (session->wants_write ? POLLOUT : 0)), 0});
  }
  if (!events_.empty()) return now;
  Instant wake = Instant::max();
  for (const Waiting& waiting : waiting_)
    wake = std::min(wake, waiting.ends);
  if (attempts_.empty()) return wake;
  wake = std::min(wake, multi_->interests(fds, now));
  for (const auto& attempt : attempts_)
    wake = std::min(wake, attempt->ends(now));
  return wake;
}

void CurlDialer::serve(std::span<const pollfd>, Instant now) {
  take_answers();
  if (!attempts_.empty()) {
    multi_->run();
    collect_finished();
    for (const auto& attempt : attempts_)
      attempt->acknowledge_at_once();
  }
  enforce_limits(now);
}

void CurlDialer::collect_finished() {
  while (const auto done = multi_->take_done()) {
    const auto it = std::find_if(attempts_.begin(), attempts_.end(),
                                 [&](const auto& attempt) { return attempt->handle() == done->handle; });
    if (it == attempts_.end()) continue;
    std::unique_ptr<CurlAttempt> attempt = std::move(*it);
    attempts_.erase(it);
    DialEvent event = attempt->finish(done->code);
    finished(std::move(attempt), std::move(event));
  }
}

void CurlDialer::finished(std::unique_ptr<CurlAttempt> attempt, DialEvent event) {
  auto* const refused = std::get_if<SessionFailure>(&event.result);
  if (refused == nullptr || !attempt->wants_new_token()) {
    events_.push_back(std::move(event));
    return;
  }
  const DialTarget target = attempt->target();
  attempt.reset();
  ask(event.id, target, std::move(*refused));
}

/// Ends attempts whose stage has had its time, whatever dripped in meanwhile.
void CurlDialer::enforce_limits(Instant now) {
  for (const auto& attempt : attempts_) {
    if (now >= attempt->ends(now)) events_.push_back({attempt->id(), attempt->timed_out()});
  }
  std::erase_if(attempts_, [&](const auto& attempt) { return now >= attempt->ends(now); });
  for (const Waiting& waiting : waiting_) {
    if (now < waiting.ends) continue;
    keyring_.cancel(waiting.id);
    events_.push_back({waiting.id, without_credentials("the lookup took too long", waiting.refused)});
  }
  std::erase_if(waiting_, [&](const Waiting& waiting) { return now >= waiting.ends; });
}

}  // namespace relaypipe
