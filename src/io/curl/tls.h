#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>

#include "deliver/observer.h"
#include "io/curl/handle.h"
#include "relay/relay_settings.h"
#include "smtp/session_facts.h"

namespace relaypipe {

/// What happens in the TLS handshake of one connection, seen from inside OpenSSL: libcurl tells a failure only by a
/// kind and a text that differs between versions. It must outlive the handle it watches. Where libcurl was built with
/// another TLS library nothing is seen, and the words are fewer.
class CurlTls {
 public:
  CurlTls() = default;
  CurlTls(const CurlTls&) = delete;
  CurlTls& operator=(const CurlTls&) = delete;

  /// Sets the TLS options of a handle, and this object to watch it. `host` is the name or address that the certificate
  /// has to bear.
  void configure(const CurlEasy& easy, TlsLevel level, const TlsSettings& settings, const std::string& host);

  /// Why the handshake failed, in plain words; empty when nothing is known.
  [[nodiscard]] std::string handshake_fault() const;
  /// Whether the connection ended before any octet of the relay's handshake came.
  [[nodiscard]] bool silent() const { return !answered_; }
  /// Why the certificate was refused. `verify_result` is CURLINFO_SSL_VERIFYRESULT; `host` the name it should bear.
  [[nodiscard]] std::string certificate_fault(long verify_result, const std::string& host) const;
  /// What was seen of it; nothing where there was no TLS.
  [[nodiscard]] std::optional<TlsReport> report() const;
  /// The part of a ready session's facts that the handshake tells; all empty in clear text.
  [[nodiscard]] SessionFacts facts() const;
  /// That the public key is none of the pinned ones, and which it is.
  [[nodiscard]] std::string pin_fault() const;

 private:
  struct Free {
    void operator()(X509* certificate) const { X509_free(certificate); }
  };

  void watch(SSL_CTX* context);
  void note_alert(int alert, bool received);
  [[nodiscard]] std::string names() const;
  [[nodiscard]] std::string issuer() const;

  static CURLcode on_context(CURL*, void* context, void* self);
  static int on_verify(int ok, X509_STORE_CTX* store);
  static void on_info(const SSL* ssl, int where, int value);
  static void on_message(int written, int version, int type, const void* data, size_t size, SSL* ssl, void* self);

  TlsVersion minimum_ = TlsVersion::V1_2;
  bool lenient_ = false;        ///< what nobody proves may be weak too: it is better than clear text
  std::string proved_address_;  ///< the certificate has to be issued for it; empty where a name is meant
  std::unique_ptr<X509, Free> leaf_;
  std::unique_ptr<X509, Free> culprit_;  ///< the certificate that `fault_` speaks of
  int fault_ = X509_V_OK;                ///< the first that verification found
  bool answered_ = false;
  int server_version_ = 0;  ///< of the ServerHello, e.g. TLS1_1_VERSION; at most TLS1_2_VERSION
  int alert_ = 0;           ///< the description of the first fatal one, or 0
  bool alert_received_ = false;
  std::string reason_;   ///< OpenSSL's, where the alert is ours
  std::string version_;  ///< when the handshake was done
  std::string cipher_;
  int bits_ = 0;
  bool pinned_ = false;
};

}  // namespace relaypipe
