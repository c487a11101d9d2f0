#pragma once

#include <memory>
#include <optional>
#include <string>

#include "deliver/session.h"
#include "io/curl/handle.h"
#include "io/curl/tls.h"

namespace relaypipe {

/// A ready connection. What libcurl could not send has to be offered to it again with the same octets at the same place
/// (OpenSSL's rule), so one chunk is kept here until it has gone.
class CurlSession final : public Session {
 public:
  /// `tls` watches the connection of `easy`.
  CurlSession(CurlEasy easy, std::unique_ptr<CurlTls> tls, Capabilities capabilities, SessionFacts facts);
  /// One over HTTPS: requests in it are made with these.
  CurlSession(CurlEasy easy, std::unique_ptr<CurlTls> tls, SessionFacts facts, Credentials credentials);
  ~CurlSession() override;
  CurlSession(const CurlSession&) = delete;
  CurlSession& operator=(const CurlSession&) = delete;

  [[nodiscard]] const Capabilities& capabilities() const override { return capabilities_; }
  [[nodiscard]] const SessionFacts& facts() const override { return facts_; }
  std::size_t send(std::string_view octets) override;
  [[nodiscard]] bool flushed() override;
  [[nodiscard]] std::size_t unsent() const override;
  std::size_t receive(std::span<char> buffer) override;
  [[nodiscard]] bool ended() const override { return ended_; }
  [[nodiscard]] const Credentials* credentials() const override { return credentials_ ? &*credentials_ : nullptr; }
  /// HTTP has no word for it.
  void finish(SessionEnd end) override {
    if (!credentials_) Session::finish(end);
  }

 private:
  void flush();
  void watch_drain(bool on);

  std::unique_ptr<CurlTls> tls_;
  CurlEasy easy_;
  Capabilities capabilities_;
  SessionFacts facts_;
  std::optional<Credentials> credentials_;
  CurlMulti::Watched watched_;
  std::string pending_;
  std::size_t sent_ = 0;   ///< octets of `pending_` that have gone
  std::size_t last_ = 0;   ///< octets that send() took last
  bool draining_ = false;  ///< somebody waits until the system has sent what it holds
  bool send_broken_ = false;
  bool ended_ = false;
};

}  // namespace relaypipe
