// What a failed attempt means: the part of CurlAttempt that turns libcurl's result, the last reply and what was seen of
// the handshake into an SessionFailure. libcurl's texts are quoted at most, never judged by: they differ between
// versions.
#include <fmt/format.h>
#include <unistd.h>

#include "base/printable.h"
#include "io/base/error_text.h"
#include "io/curl/attempt.h"
#include "smtp/sasl.h"

namespace relaypipe {
namespace {

constexpr int kChallenge = 334;

bool readable(const std::string& path) { return access(path.c_str(), R_OK) == 0; }

}  // namespace

/// libcurl's code says what kind of failure; the last complete reply, if it is a refusal, says it better.
SessionFailure CurlAttempt::diagnose(CURLcode code) {
  const Stage stage = handshake_.stage();
  const std::string words = printable(error_[0] != '\0' ? error_.data() : curl_easy_strerror(code));
  if (handshake_.fault()) return {stage, SessionError::ProtocolError, handshake_.fault_text()};
  if (handshake_.bad_challenge())
    return {stage, SessionError::ProtocolError, fmt::format("AUTH LOGIN: {}", *handshake_.bad_challenge())};
  const auto& reply = handshake_.last_reply();
  const auto refusal = reply && reply->code >= 400 ? reply : std::nullopt;
  const auto os_error = static_cast<int>(easy_.info<long>(CURLINFO_OS_ERRNO));
  switch (code) {
    case CURLE_COULDNT_CONNECT:
      return {Stage::Connect, SessionError::Unconnected, os_error != 0 ? error_text(os_error) : words};
    case CURLE_OPERATION_TIMEDOUT: return timed_out();
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return {stage, SessionError::Lost, words, refusal};
    case CURLE_WEIRD_SERVER_REPLY:
      if (stage == Stage::Tls) return diagnose_tls(code);
      return {stage, SessionError::ProtocolError, words, refusal};
    case CURLE_REMOTE_ACCESS_DENIED: return {stage, SessionError::ProtocolError, words, refusal};
    case CURLE_USE_SSL_FAILED:
      return {refusal ? stage : Stage::StartTls, SessionError::TlsMissing, handshake_.clear_reason(), refusal};
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH: return diagnose_tls(code);
    case CURLE_LOGIN_DENIED: return diagnose_auth(refusal);
    case CURLE_AUTH_ERROR: return {Stage::Auth, SessionError::NoCredentials, words};
    case CURLE_URL_MALFORMAT:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER: return misconfigured(code);
    default: return {stage, SessionError::Local, fmt::format("{} (libcurl {})", words, static_cast<int>(code))};
  }
}

SessionFailure CurlAttempt::diagnose_tls(CURLcode code) const {
  const TlsSettings& settings = target_.relay->settings->tls_more;
  const std::string& name = settings.name.empty() ? target_.peer.host : settings.name;
  switch (code) {
    case CURLE_WEIRD_SERVER_REPLY:
      // Whoever put them there wanted them to be taken as said inside TLS.
      return {Stage::StartTls, SessionError::TlsFailed,
              "octets came behind the reply to STARTTLS, before the handshake; somebody may have injected them"};
    case CURLE_PEER_FAILED_VERIFICATION: {
      const std::string& store = settings.ca_file.empty() ? settings.ca_path : settings.ca_file;
      if (!readable(store)) return misconfigured(CURLE_SSL_CACERT_BADFILE);
      const long result = easy_.info<long>(CURLINFO_SSL_VERIFYRESULT);
      return {Stage::Tls, SessionError::Untrusted, tls_->certificate_fault(result, name)};
    }
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH: return {Stage::Tls, SessionError::Untrusted, tls_->pin_fault()};
    default: break;
  }
  const std::string fault = tls_->handshake_fault();
  if (!fault.empty()) return {Stage::Tls, SessionError::TlsFailed, fault};
  return {Stage::Tls, SessionError::Lost, "the connection ended"};
}

/// Either the relay refused what was said, or nothing was said, because it offers nothing that we may use.
SessionFailure CurlAttempt::diagnose_auth(const std::optional<Reply>& refusal) {
  const auto& reply = handshake_.last_reply();
  const bool challenged = handshake_.stage() == Stage::Auth && reply && reply->code == kChallenge;
  refused_ = (refusal && handshake_.stage() == Stage::Auth) || challenged;
  if (refusal) return {handshake_.stage(), SessionError::AuthRefused, "", refusal};
  if (challenged) {
    // XOAUTH2 tells the error in a last challenge, which libcurl does not answer.
    const std::string_view base64 = reply->lines.empty() ? std::string_view() : reply->lines.front();
    return {Stage::Auth, SessionError::AuthRefused, fmt::format("334 {}", redact(challenge_text(base64)))};
  }
  if (handshake_.stage() == Stage::Auth && reply && reply->positive())
    return {Stage::Auth, SessionError::ProtocolError, "it accepted AUTH before it was told the credentials"};
  const std::vector<std::string> usable = auth_ ? auth_->mechanisms : std::vector<std::string>();
  return {Stage::Auth, SessionError::AuthMissing, no_common_mechanism(handshake_.capabilities().auth, usable)};
}

/// Files and values of the configuration that libcurl could not use.
SessionFailure CurlAttempt::misconfigured(CURLcode code) const {
  const TlsSettings& settings = target_.relay->settings->tls_more;
  std::string what = printable(error_[0] != '\0' ? error_.data() : curl_easy_strerror(code));
  if (code == CURLE_SSL_CACERT_BADFILE && settings.ca_file.empty())
    what = fmt::format("tls_ca_path {} cannot be read", settings.ca_path);
  else if (code == CURLE_SSL_CACERT_BADFILE)
    what = fmt::format("tls_ca_file {} cannot be read, or holds no certificate", settings.ca_file);
  else if (code == CURLE_SSL_CERTPROBLEM)
    what = fmt::format("tls_cert_file {} or its key cannot be used: {}", settings.cert_file, what);
  return {handshake_.stage(), SessionError::Misconfigured, printable(what)};
}

}  // namespace relaypipe
