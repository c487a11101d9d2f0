#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/deadline.h"
#include "base/ids.h"
#include "deliver/observer.h"
#include "deliver/session.h"
#include "io/curl/handle.h"
#include "io/curl/tls.h"
#include "relay/credentials.h"
#include "smtp/handshake.h"

namespace relaypipe {

/// What AUTH is said with: credentials, and the mechanisms that may be used with them (at least one). With HTTPS the
/// credentials are the session's, and there are no mechanisms.
struct CurlAuth {
  Credentials credentials;
  std::vector<std::string> mechanisms;
  bool renewed = false;  ///< they replace some that the relay refused
  bool waited = false;   ///< they were not there at once
};

/// One attempt to open a session, from connect to the last reply of the handshake. It stays at its address: libcurl's
/// callbacks point to it.
class CurlAttempt {
 public:
  CurlAttempt(DialId id, DialTarget target, std::optional<CurlAuth> auth, Trace* trace,
              std::shared_ptr<CurlMulti> multi, const Clock& clock);
  ~CurlAttempt();
  CurlAttempt(const CurlAttempt&) = delete;
  CurlAttempt& operator=(const CurlAttempt&) = delete;

  [[nodiscard]] DialId id() const { return id_; }
  [[nodiscard]] CURL* handle() const { return easy_.get(); }
  [[nodiscard]] const DialTarget& target() const { return target_; }
  /// The stage it stands at now, and when it came there.
  Progress progress();
  Stage stage() { return progress().stage; }
  /// When the stage it stands at has had its time; a drip does not put it off.
  Instant ends(Instant now);
  /// Has the next octets acknowledged at once. A relay that says two things in a row, such as session tickets and then
  /// the reply to EHLO, keeps the second back until we acknowledge the first (Nagle), and we would wait 40 ms with that
  /// for something to send. The kernel forgets it with each of our own octets (tcp(7), TCP_QUICKACK).
  void acknowledge_at_once() const;
  /// Takes leave of a relay that is given up: QUIT, where it has greeted and no TLS is on its way.
  void quit();
  /// libcurl is done with it: the session, or what went wrong.
  [[nodiscard]] DialEvent finish(CURLcode code);
  /// After finish(): the relay refused a token, and a new one has not been tried.
  [[nodiscard]] bool wants_new_token() const;
  /// The stage's time is over.
  [[nodiscard]] SessionFailure timed_out() const { return {handshake_.stage(), SessionError::TimedOut, "timed out"}; }

 private:
  void configure();
  void configure_auth() const;
  [[nodiscard]] Duration limit() const;
  void note_connected();
  void note_step();
  void tell_stage();
  void tell_reply(std::size_t steps_before) const;
  void tell_tls() const;
  [[nodiscard]] SessionFailure diagnose(CURLcode code);
  [[nodiscard]] SessionFailure diagnose_tls(CURLcode code) const;
  [[nodiscard]] SessionFailure diagnose_auth(const std::optional<Reply>& refusal);
  [[nodiscard]] SessionFailure misconfigured(CURLcode code) const;
  [[nodiscard]] std::string masked_auth(std::string_view line) const;
  void remember_spoken(std::string_view line);
  [[nodiscard]] std::string redact(std::string_view line) const;
  void choose_initial_response() const;
  void release_handle();
  [[nodiscard]] std::unique_ptr<Session> make_session(bool encrypted);
  [[nodiscard]] std::variant<std::unique_ptr<Session>, SessionFailure> make_smtp_session();
  [[nodiscard]] std::variant<std::unique_ptr<Session>, SessionFailure> make_https_session();
  [[nodiscard]] SessionFailure failure(CURLcode code);
  [[nodiscard]] bool https() const { return target_.relay->destination.https; }

  static int on_debug(CURL*, curl_infotype type, char* data, size_t size, void* self);
  static size_t on_header(char* data, size_t size, size_t count, void* self);
  static size_t on_body(char*, size_t size, size_t count, void*) { return size * count; }
  static curl_socket_t on_open_socket(void* self, curlsocktype, curl_sockaddr* address);

  DialId id_;
  DialTarget target_;
  std::optional<CurlAuth> auth_;
  std::vector<Secret> spoken_;  ///< what was sent during AUTH, word by word
  bool refused_ = false;        ///< the relay did not take the credentials
  Handshake handshake_;
  Trace* trace_;
  const Clock& clock_;
  std::size_t steps_ = 0;        ///< of the handshake, up to `step_`
  std::optional<Instant> step_;  ///< when the last one was completed
  std::array<char, CURL_ERROR_SIZE> error_{};
  curl_slist* connect_to_ = nullptr;
  std::unique_ptr<CurlTls> tls_ = std::make_unique<CurlTls>();  ///< before `easy_`, which it has to outlive
  CurlEasy easy_;
  int socket_ = -1;
  std::optional<Stage> told_;       ///< the stage that the trace was told last
  Stage limited_ = Stage::Connect;  ///< the stage that `ends_` belongs to
  Instant ends_;
};

}  // namespace relaypipe
