// How an attempt ends: with a ready session, or with what diagnosis.cc makes of libcurl's result.
#include <utility>

#include "io/curl/attempt.h"
#include "io/curl/session.h"

namespace relaypipe {
namespace {

constexpr int kServiceNotAvailable = 421;  // the relay closes the connection (RFC 5321 3.8)

}  // namespace

DialEvent CurlAttempt::finish(CURLcode code) {
  // libcurl's own word: the socket may be closed by now, and its number another attempt's.
  if (easy_.info<long>(CURLINFO_NUM_CONNECTS) > 0) handshake_.connected();
  tell_stage();
  tell_tls();
  if (code == CURLE_OK && https()) return {id_, make_https_session()};
  if (code == CURLE_OK) return {id_, make_smtp_session()};
  return {id_, failure(code)};
}

SessionFailure CurlAttempt::failure(CURLcode code) {
  SessionFailure why = diagnose(code);
  why.tls_needed = auth_.has_value();
  return why;
}

/// libcurl has said all that it says by itself.
std::variant<std::unique_ptr<Session>, SessionFailure> CurlAttempt::make_smtp_session() {
  // A 421 ends the session; libcurl takes no notice of one to STARTTLS where TLS is only welcome.
  const auto& last = handshake_.last_reply();
  if (last && last->code == kServiceNotAvailable)
    return SessionFailure{handshake_.stage(), SessionError::Lost, "the relay closed the session", last};
  // libcurl's own word that TLS is on: with USE_SSL a success does not imply it. Nor does it imply AUTH.
  const bool encrypted = easy_.info<curl_off_t>(CURLINFO_APPCONNECT_TIME_T) > 0;
  if (target_.tls == TlsLevel::May && !encrypted && handshake_.overlooked_starttls())
    return SessionFailure{Stage::StartTls, SessionError::TlsMissing,
                          "it offers STARTTLS in a form that was overlooked"};
  if (target_.tls >= TlsLevel::Encrypt && !encrypted) return failure(CURLE_USE_SSL_FAILED);
  if (auth_ && !handshake_.authenticated()) return failure(CURLE_LOGIN_DENIED);
  return make_session(encrypted);
}

bool CurlAttempt::wants_new_token() const { return refused_ && auth_ && auth_->credentials.bearer && !auth_->renewed; }

/// The handle goes to the session, this object goes away: nothing in the handle may point to it any more.
void CurlAttempt::release_handle() {
  easy_.set(CURLOPT_VERBOSE, 0L);
  easy_.set(CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
  easy_.set(CURLOPT_CONNECT_TO, static_cast<curl_slist*>(nullptr));
  for (const CURLoption secret : {CURLOPT_USERNAME, CURLOPT_PASSWORD, CURLOPT_XOAUTH2_BEARER})
    easy_.set(secret, static_cast<const char*>(nullptr));
}

/// A session without TLS cannot be: the URL alone says so to libcurl.
std::variant<std::unique_ptr<Session>, SessionFailure> CurlAttempt::make_https_session() {
  if (easy_.info<curl_off_t>(CURLINFO_APPCONNECT_TIME_T) <= 0 || !auth_)
    return SessionFailure{Stage::Tls, SessionError::Local, "libcurl has a connection without TLS"};
  SessionFacts facts = tls_->facts();
  facts.tls_trust = SessionFacts::TlsTrust::Verified;
  release_handle();
  return std::make_unique<CurlSession>(std::move(easy_), std::move(tls_), std::move(facts),
                                       std::move(auth_->credentials));
}

std::unique_ptr<Session> CurlAttempt::make_session(bool encrypted) {
  SessionFacts facts = tls_->facts();
  if (encrypted && target_.tls == TlsLevel::Verify) facts.tls_trust = SessionFacts::TlsTrust::Verified;
  if (!encrypted && target_.tls == TlsLevel::May) facts.clear_reason = handshake_.clear_reason();
  if (!encrypted && target_.handshake_failed) facts.clear_reason = "the TLS handshake failed";
  if (auth_) {
    facts.sasl_mechanism = handshake_.mechanism();
    facts.sasl_username = auth_->credentials.username;
  }
  release_handle();
  return std::make_unique<CurlSession>(std::move(easy_), std::move(tls_), handshake_.capabilities(), std::move(facts));
}

}  // namespace relaypipe
