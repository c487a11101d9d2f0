#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <string>
#include <string_view>

/// One connection of bench_relay: bytes in and out, in clear text or in TLS. It closes what it owns.
class RelayStream {
 public:
  explicit RelayStream(int descriptor) : descriptor_(descriptor) {}
  RelayStream(const RelayStream&) = delete;
  RelayStream& operator=(const RelayStream&) = delete;
  ~RelayStream();

  /// The next line without its line end. False when the client is gone.
  bool read_line(std::string& line);

  /// Takes everything until CRLF.CRLF and returns its octets, transparency's dots included; -1 when the client is gone.
  long read_content();

  /// Kept until the next line has to be waited for: the replies to a command group leave together (RFC 2920).
  void reply(std::string_view line);

  /// The server's half of the handshake. What was read before it is forgotten (RFC 3207, section 4.2).
  bool start_tls(SSL_CTX* context);

  bool secure() const { return tls_ != nullptr; }

 private:
  bool fill();
  bool flush();

  int descriptor_;
  SSL* tls_ = nullptr;
  std::string input_;
  std::string output_;
};
