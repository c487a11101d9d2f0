#include "io/curl/attempt.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>

#include "smtp/sasl.h"

namespace relaypipe {
namespace {

/// Beyond the limits per stage, which end an attempt: libcurl's must never come first.
constexpr long kNeverMs = 24L * 3600 * 1000;

std::string bracketed(const std::string& host) { return host.find(':') == std::string::npos ? host : "[" + host + "]"; }

}  // namespace

CurlAttempt::CurlAttempt(DialId id, DialTarget target, std::optional<CurlAuth> auth, Trace* trace,
                         std::shared_ptr<CurlMulti> multi, const Clock& clock)
    : id_(id),
      target_(std::move(target)),
      auth_(std::move(auth)),
      handshake_(target_.implicit_tls, target_.relay->settings->discard_ehlo_keywords),
      trace_(trace),
      clock_(clock),
      easy_(std::move(multi)),
      ends_(clock.now() + limit()) {
  if (auth_ && auth_->waited) step_ = clock_.now();
  configure();
  tell_stage();
  curl_multi_add_handle(easy_.multi().get(), easy_.get());
}

CurlAttempt::~CurlAttempt() { curl_slist_free_all(connect_to_); }

void CurlAttempt::configure() {
  const Peer& peer = target_.peer;
  const TlsSettings& tls = target_.relay->settings->tls_more;
  const std::string& name = tls.name.empty() ? peer.host : tls.name;
  const std::string url = https() ? fmt::format("https://{}:{}/", bracketed(name), peer.port)
                                  : fmt::format("{}://{}:{}/{}", target_.implicit_tls ? "smtps" : "smtp",
                                                bracketed(name), peer.port, target_.helo_name);
  // The address was chosen by us; the URL's host is what the certificate has to name.
  connect_to_ = curl_slist_append(nullptr, fmt::format("::{}:", bracketed(peer.ip)).c_str());
  easy_.set(CURLOPT_URL, url.c_str());
  easy_.set(CURLOPT_CONNECT_TO, connect_to_);
  easy_.set(CURLOPT_CONNECT_ONLY, 1L);
  easy_.set(CURLOPT_PROTOCOLS_STR, https() ? "https" : "smtp,smtps");
  // Its name goes into the handshake (ALPN): the requests are ours.
  if (https()) easy_.set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  easy_.set(CURLOPT_PROXY, "");
  easy_.set(CURLOPT_NOSIGNAL, 1L);
  easy_.set(CURLOPT_ERRORBUFFER, error_.data());
  easy_.set(CURLOPT_CONNECTTIMEOUT_MS, kNeverMs);
  easy_.set(CURLOPT_SERVER_RESPONSE_TIMEOUT, kNeverMs / 1000);
  // Verbose, because only the debug callback tells which command was sent; nothing is printed.
  easy_.set(CURLOPT_VERBOSE, 1L);
  easy_.set(CURLOPT_DEBUGFUNCTION, &on_debug);
  easy_.set(CURLOPT_DEBUGDATA, this);
  easy_.set(CURLOPT_HEADERFUNCTION, &on_header);
  easy_.set(CURLOPT_HEADERDATA, this);
  easy_.set(CURLOPT_WRITEFUNCTION, &on_body);
  easy_.set(CURLOPT_OPENSOCKETFUNCTION, &on_open_socket);
  easy_.set(CURLOPT_OPENSOCKETDATA, this);
  if (!target_.bind_address.empty()) easy_.set(CURLOPT_INTERFACE, ("host!" + target_.bind_address).c_str());
  tls_->configure(easy_, target_.tls, tls, name);
  if (auth_ && !https()) configure_auth();
}

/// libcurl chooses among the mechanisms it may use by an order of its own, and does not try a second one. Left to
/// itself it takes GSSAPI for a user name with an `@`, and fails.
void CurlAttempt::configure_auth() const {
  const Credentials& credentials = auth_->credentials;
  const std::string allowed = fmt::format("AUTH={}", fmt::join(auth_->mechanisms, ";AUTH="));
  easy_.set(CURLOPT_LOGIN_OPTIONS, allowed.c_str());
  easy_.set(CURLOPT_USERNAME, credentials.username.c_str());
  easy_.set(credentials.bearer ? CURLOPT_XOAUTH2_BEARER : CURLOPT_PASSWORD, credentials.secret.c_str());
}

int CurlAttempt::on_debug(CURL*, curl_infotype type, char* data, size_t size, void* self) {
  auto* attempt = static_cast<CurlAttempt*>(self);
  if (type != CURLINFO_HEADER_OUT) return 0;
  std::string_view command(data, size);
  command = command.substr(0, command.find_first_of("\r\n"));
  attempt->note_connected();
  const bool was_auth = attempt->handshake_.stage() == Stage::Auth;
  attempt->handshake_.sent(command);
  attempt->note_step();
  attempt->tell_stage();
  // Everything said during AUTH is, or may be, a secret.
  const bool secret = was_auth || attempt->handshake_.stage() == Stage::Auth;
  if (secret) attempt->remember_spoken(command);
  if (attempt->trace_ == nullptr) return 0;
  attempt->trace_->dialogue(attempt->target_.peer, Trace::Direction::Sent,
                            secret ? attempt->masked_auth(command) : std::string(command));
  return 0;
}

/// What may be shown of a line of AUTH: the mechanism, where it is one of those that were allowed.
std::string CurlAttempt::masked_auth(std::string_view line) const {
  constexpr std::string_view kVerb = "AUTH ";
  if (!auth_ || !line.starts_with(kVerb)) return "********";
  const std::string_view rest = line.substr(kVerb.size());
  const std::string mechanism(rest.substr(0, rest.find(' ')));
  const auto& allowed = auth_->mechanisms;
  const bool known = std::find(allowed.begin(), allowed.end(), mechanism) != allowed.end();
  return "AUTH " + (known ? mechanism + (rest.size() > mechanism.size() ? " ********" : "") : "********");
}

/// The last word of a line of AUTH: the mechanism, an initial response, or a response to a challenge.
void CurlAttempt::remember_spoken(std::string_view line) {
  constexpr std::size_t kShortest = 12;  // mechanisms have names that replies may well use
  const std::size_t blank = line.rfind(' ');
  if (blank != std::string_view::npos) line.remove_prefix(blank + 1);
  if (line.size() < kShortest) return;
  std::string octets(line);
  spoken_.emplace_back(octets);
}

std::string CurlAttempt::redact(std::string_view line) const {
  if (!auth_) return std::string(line);
  std::vector<std::string_view> secrets{auth_->credentials.secret.reveal()};
  for (const Secret& word : spoken_)
    secrets.push_back(word.reveal());
  return redacted(line, secrets);
}

size_t CurlAttempt::on_header(char* data, size_t size, size_t count, void* self) {
  auto* attempt = static_cast<CurlAttempt*>(self);
  const std::string octets = attempt->redact({data, size * count});
  const std::string restated = attempt->handshake_.restated({data, size * count});
  const std::size_t steps = attempt->handshake_.steps();
  const bool usable = attempt->handshake_.received(octets);
  attempt->note_step();
  attempt->choose_initial_response();
  // The octets are libcurl's own, which it reads when this returns. A version that looked at a copy would be found out
  // by finish(): what it does not take up ends the session.
  std::copy(restated.begin(), restated.end(), data);
  attempt->tell_stage();
  attempt->tell_reply(steps);
  if (attempt->trace_ != nullptr) {
    std::string_view line = octets;
    line = line.substr(0, line.find_first_of("\r\n"));
    if (attempt->handshake_.stage() == Stage::Auth && line.starts_with("334")) line = "334 ********";
    attempt->trace_->dialogue(attempt->target_.peer, Trace::Direction::Received, line);
  }
  return usable ? size * count : 0;  // 0 makes libcurl give up
}

/// Before libcurl says AUTH: it has one switch for all mechanisms, and looks at it when it has chosen one.
void CurlAttempt::choose_initial_response() const {
  if (!auth_ || handshake_.stage() != Stage::Ehlo) return;
  const bool wanted = has_initial_response(handshake_.capabilities().auth, auth_->mechanisms);
  easy_.set(CURLOPT_SASL_IR, wanted ? 1L : 0L);
}

curl_socket_t CurlAttempt::on_open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  auto* attempt = static_cast<CurlAttempt*>(self);
  attempt->socket_ = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  return attempt->socket_;
}

void CurlAttempt::acknowledge_at_once() const {
  const int on = 1;
  if (socket_ >= 0) setsockopt(socket_, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

/// TCP is connected when the socket has a peer, and implicit TLS is done when libcurl has a time for it; it tells both
/// only through texts.
void CurlAttempt::note_connected() {
  if (handshake_.stage() == Stage::Connect && socket_ >= 0) {
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    if (getpeername(socket_, reinterpret_cast<sockaddr*>(&peer), &length) == 0) handshake_.connected();
  }
  if (target_.implicit_tls && handshake_.stage() == Stage::Tls &&
      easy_.info<curl_off_t>(CURLINFO_APPCONNECT_TIME_T) > 0) {
    handshake_.secured();
  }
  note_step();
  tell_stage();
}

void CurlAttempt::note_step() {
  if (handshake_.steps() == steps_) return;
  steps_ = handshake_.steps();
  step_ = clock_.now();
}

void CurlAttempt::tell_stage() {
  if (trace_ == nullptr || told_ == handshake_.stage()) return;
  told_ = handshake_.stage();
  trace_->reached(target_.peer, *told_);
}

void CurlAttempt::tell_reply(std::size_t steps_before) const {
  const bool complete = handshake_.steps() != steps_before && handshake_.last_reply();
  if (!complete || trace_ == nullptr) return;
  trace_->replied(target_.peer, handshake_.stage(), *handshake_.last_reply());
}

void CurlAttempt::tell_tls() const {
  if (trace_ == nullptr) return;
  if (const auto report = tls_->report()) trace_->secured(target_.peer, *report);
}

Progress CurlAttempt::progress() {
  note_connected();
  return {handshake_.stage(), step_};
}

Instant CurlAttempt::ends(Instant now) {
  if (stage() != limited_) {
    limited_ = handshake_.stage();
    ends_ = now + limit();
  }
  return ends_;
}

Duration CurlAttempt::limit() const {
  switch (handshake_.stage()) {
    case Stage::Connect: return target_.limits.connect;
    case Stage::Greeting: return target_.limits.greeting;
    case Stage::StartTls:
    case Stage::Tls: return target_.limits.starttls;
    case Stage::Auth: return target_.limits.auth;
    default: return target_.limits.helo;
  }
}

void CurlAttempt::quit() {
  const bool greeted = handshake_.last_reply() && handshake_.last_reply()->positive();
  const bool in_clear = !target_.implicit_tls && (stage() == Stage::Greeting || stage() == Stage::Ehlo) &&
                        easy_.info<curl_off_t>(CURLINFO_APPCONNECT_TIME_T) == 0;
  if (!greeted || !in_clear) return;
  // libcurl says no QUIT for a session that is not ready, so it goes past it; whether it arrives does not matter.
  [[maybe_unused]] const ssize_t sent = ::send(socket_, "QUIT\r\n", 6, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace relaypipe
