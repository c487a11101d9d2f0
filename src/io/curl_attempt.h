#pragma once

#include <array>
#include <memory>

#include "base/deadline.h"
#include "deliver/interfaces.h"
#include "io/curl_handle.h"
#include "smtp/handshake.h"

namespace relaypipe {

/// One attempt to open a session, from connect to the last reply of the handshake. It stays at its address: libcurl's
/// callbacks point to it.
class CurlAttempt {
 public:
  CurlAttempt(DialId id, DialTarget target, Trace* trace, std::shared_ptr<CurlMulti> multi, Instant now);
  ~CurlAttempt();
  CurlAttempt(const CurlAttempt&) = delete;
  CurlAttempt& operator=(const CurlAttempt&) = delete;

  [[nodiscard]] DialId id() const { return id_; }
  [[nodiscard]] CURL* handle() const { return easy_.get(); }
  /// The stage it stands at now.
  Stage stage();
  /// When the stage it stands at has had its time; a drip does not put it off.
  Instant ends(Instant now);
  /// Takes leave of a relay that is given up: QUIT, where it has greeted and no TLS is on its way.
  void quit();
  /// libcurl is done with it: the session, or what went wrong.
  [[nodiscard]] DialEvent finish(CURLcode code);
  /// The stage's time is over.
  [[nodiscard]] Unreached timed_out() const { return {handshake_.stage(), Trouble::TimedOut, "timed out"}; }

 private:
  void configure();
  void configure_tls() const;
  [[nodiscard]] Duration limit() const;
  void note_connected();
  [[nodiscard]] Unreached diagnose(CURLcode code) const;
  [[nodiscard]] std::unique_ptr<Session> make_session();

  static int on_debug(CURL*, curl_infotype type, char* data, size_t size, void* self);
  static size_t on_header(char* data, size_t size, size_t count, void* self);
  static size_t on_body(char*, size_t size, size_t count, void*) { return size * count; }
  static curl_socket_t on_open_socket(void* self, curlsocktype, curl_sockaddr* address);

  DialId id_;
  DialTarget target_;
  Handshake handshake_;
  Trace* trace_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  curl_slist* connect_to_ = nullptr;
  CurlEasy easy_;
  int socket_ = -1;
  Stage limited_ = Stage::Connect;  ///< the stage that `ends_` belongs to
  Instant ends_;
};

}  // namespace relaypipe
