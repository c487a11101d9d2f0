#include "io/curl_attempt.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <system_error>

#include "base/printable.h"
#include "io/curl_session.h"

namespace relaypipe {
namespace {

/// Certificates by hashed name: one is read, where the usual bundle has some 145 to parse, 26 ms of every process.
const char* const kCaDirectory = "/etc/ssl/certs";

/// Beyond the limits per stage, which end an attempt: libcurl's must never come first.
constexpr long kNeverMs = 24L * 3600 * 1000;

std::string bracketed(const std::string& host) { return host.find(':') == std::string::npos ? host : "[" + host + "]"; }

}  // namespace

CurlAttempt::CurlAttempt(DialId id, DialTarget target, Trace* trace, std::shared_ptr<CurlMulti> multi, Instant now)
    : id_(id),
      target_(std::move(target)),
      handshake_(target_.implicit_tls),
      trace_(trace),
      easy_(std::move(multi)),
      ends_(now + limit()) {
  configure();
  curl_multi_add_handle(easy_.multi().get(), easy_.get());
}

CurlAttempt::~CurlAttempt() { curl_slist_free_all(connect_to_); }

void CurlAttempt::configure() {
  const Where& where = target_.where;
  const std::string url = fmt::format("{}://{}:{}/{}", target_.implicit_tls ? "smtps" : "smtp", bracketed(where.host),
                                      where.port, target_.helo_name);
  // The address was chosen by us; the URL's host is what the certificate has to name.
  connect_to_ = curl_slist_append(nullptr, fmt::format("::{}:", bracketed(where.ip)).c_str());
  easy_.set(CURLOPT_URL, url.c_str());
  easy_.set(CURLOPT_CONNECT_TO, connect_to_);
  easy_.set(CURLOPT_CONNECT_ONLY, 1L);
  easy_.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
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
  configure_tls();
}

void CurlAttempt::configure_tls() const {
  const bool verify = target_.tls == TlsLevel::Verify;
  const curl_usessl level = target_.tls == TlsLevel::None  ? CURLUSESSL_NONE
                            : target_.tls == TlsLevel::May ? CURLUSESSL_TRY
                                                           : CURLUSESSL_ALL;
  easy_.set(CURLOPT_USE_SSL, static_cast<long>(level));
  easy_.set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  easy_.set(CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
  easy_.set(CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
  if (!verify) return;
  easy_.set(CURLOPT_CAINFO, static_cast<const char*>(nullptr));
  easy_.set(CURLOPT_CAPATH, kCaDirectory);
}

int CurlAttempt::on_debug(CURL*, curl_infotype type, char* data, size_t size, void* self) {
  auto* attempt = static_cast<CurlAttempt*>(self);
  if (type != CURLINFO_HEADER_OUT) return 0;
  std::string_view command(data, size);
  command = command.substr(0, command.find_first_of("\r\n"));
  attempt->note_connected();
  const bool was_auth = attempt->handshake_.stage() == Stage::Auth;
  attempt->handshake_.sent(command);
  if (attempt->trace_ == nullptr) return 0;
  // Everything said during AUTH is, or may be, a secret.
  const bool secret = was_auth || attempt->handshake_.stage() == Stage::Auth;
  attempt->trace_->dialogue(attempt->target_.where, Trace::Direction::Sent, secret ? "AUTH ********" : command);
  return 0;
}

size_t CurlAttempt::on_header(char* data, size_t size, size_t count, void* self) {
  auto* attempt = static_cast<CurlAttempt*>(self);
  std::string_view line(data, size * count);
  const bool usable = attempt->handshake_.received(line);
  if (attempt->trace_ != nullptr) {
    line = line.substr(0, line.find_first_of("\r\n"));
    attempt->trace_->dialogue(attempt->target_.where, Trace::Direction::Received, line);
  }
  return usable ? size * count : 0;  // 0 makes libcurl give up
}

curl_socket_t CurlAttempt::on_open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  auto* attempt = static_cast<CurlAttempt*>(self);
  attempt->socket_ = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  return attempt->socket_;
}

/// TCP is connected when the socket has a peer; libcurl tells it only through texts.
void CurlAttempt::note_connected() {
  if (handshake_.stage() != Stage::Connect || socket_ < 0) return;
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  if (getpeername(socket_, reinterpret_cast<sockaddr*>(&peer), &length) == 0) handshake_.connected();
}

Stage CurlAttempt::stage() {
  note_connected();
  return handshake_.stage();
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

DialEvent CurlAttempt::finish(CURLcode code) {
  note_connected();
  if (code != CURLE_OK) return {id_, diagnose(code)};
  // libcurl's own word that TLS is on: with USE_SSL a success does not imply it.
  const bool encrypted = easy_.info<curl_off_t>(CURLINFO_APPCONNECT_TIME_T) > 0;
  if (target_.tls >= TlsLevel::Encrypt && !encrypted)
    return {id_, Unreached{Stage::StartTls, Trouble::TlsMissing, "not encrypted"}};
  return {id_, make_session()};
}

/// The handle goes to the session, this object goes away: nothing in the handle may point to it any more.
std::unique_ptr<Session> CurlAttempt::make_session() {
  easy_.set(CURLOPT_VERBOSE, 0L);
  easy_.set(CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
  easy_.set(CURLOPT_CONNECT_TO, static_cast<curl_slist*>(nullptr));
  return std::make_unique<CurlSession>(std::move(easy_), handshake_.capabilities());
}

/// What a failed attempt means. libcurl's code says what kind of failure; the last complete reply, if it is a refusal,
/// says it better.
Unreached CurlAttempt::diagnose(CURLcode code) const {
  const Stage stage = handshake_.stage();
  const std::string words = printable(error_[0] != '\0' ? error_.data() : curl_easy_strerror(code));
  if (handshake_.fault()) return {stage, Trouble::Garbled, std::string(describe(*handshake_.fault()))};
  const auto& reply = handshake_.last_reply();
  const auto refusal = reply && reply->code >= 400 ? reply : std::nullopt;
  const auto os_error = static_cast<int>(easy_.info<long>(CURLINFO_OS_ERRNO));
  switch (code) {
    case CURLE_COULDNT_CONNECT:
      return {Stage::Connect, Trouble::Unconnected, os_error != 0 ? std::generic_category().message(os_error) : words};
    case CURLE_OPERATION_TIMEDOUT: return timed_out();
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return {stage, Trouble::Lost, words, refusal};
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_REMOTE_ACCESS_DENIED: return {stage, Trouble::Garbled, words, refusal};
    case CURLE_USE_SSL_FAILED: return {stage, Trouble::TlsMissing, words, refusal};
    case CURLE_SSL_CONNECT_ERROR: return {Stage::Tls, Trouble::TlsFailed, words};
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH: return {Stage::Tls, Trouble::Untrusted, words};
    case CURLE_LOGIN_DENIED: return {stage, Trouble::AuthMissing, words, refusal};
    default: return {stage, Trouble::Local, fmt::format("{} (libcurl {})", words, static_cast<int>(code))};
  }
}

}  // namespace relaypipe
