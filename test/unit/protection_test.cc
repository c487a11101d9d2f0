// Promise 6: over which connections credentials may go.
#include "config/protection.h"

#include <string>

#include "catch.h"

namespace relaypipe {
namespace {

TEST_CASE("credentials go only over verified TLS, a pinned key, or where the administrator said otherwise") {
  struct Row {
    TlsLevel tls;
    const char* allowed;
    bool pinned;
    const char* host;
    const char* ip;
    TlsLevel used;
  };
  constexpr auto kNone = TlsLevel::None;
  constexpr auto kMay = TlsLevel::May;
  constexpr auto kEncrypt = TlsLevel::Encrypt;
  constexpr auto kVerify = TlsLevel::Verify;
  const Row row = GENERATE(
      // Whatever was configured is raised.
      Row{kNone, "", false, "mx.example", "192.0.2.1", kVerify},
      Row{kMay, "", false, "mx.example", "192.0.2.1", kVerify},
      Row{kEncrypt, "", false, "mx.example", "192.0.2.1", kVerify},
      Row{kVerify, "", false, "mx.example", "192.0.2.1", kVerify}, Row{kMay, "", false, "::1", "::1", kVerify},
      // A pinned key proves the relay without authorities.
      Row{kNone, "", true, "mx.example", "192.0.2.1", kEncrypt},
      Row{kMay, "", true, "mx.example", "192.0.2.1", kEncrypt},
      Row{kVerify, "", true, "mx.example", "192.0.2.1", kVerify},
      // `yes` is for loopback only, whatever the host is called.
      Row{kNone, "yes", false, "localhost", "127.0.0.1", kNone},
      Row{kMay, "yes", false, "mx.example", "127.8.9.1", kMay}, Row{kMay, "yes", false, "mx.example", "::1", kMay},
      Row{kVerify, "yes", false, "::1", "::1", kVerify}, Row{kMay, "yes", false, "localhost", "192.0.2.1", kVerify},
      Row{kMay, "yes", false, "localhost", "2001:db8::1", kVerify}, Row{kMay, "yes", false, "localhost", "", kVerify},
      // A name or an address is that one only.
      Row{kMay, "mx.example", false, "MX.example", "192.0.2.1", kMay},
      Row{kMay, "mx.example", false, "other.example", "192.0.2.1", kVerify},
      Row{kMay, "mx.example", false, "sub.mx.example", "192.0.2.1", kVerify},
      Row{kNone, "192.0.2.1", false, "mx.example", "192.0.2.1", kNone},
      Row{kNone, "192.0.2.1", false, "192.0.2.1", "192.0.2.2", kVerify},
      Row{kNone, "2001:db8::1", false, "mx.example", "2001:db8:0::1", kNone});
  Settings settings;
  settings.tls = row.tls;
  settings.allow_plaintext_auth = row.allowed;
  if (row.pinned) settings.tls_more.fingerprints = {"sha256//x"};
  CAPTURE(static_cast<int>(row.tls), row.allowed, row.host, row.ip);
  CHECK(level_for_credentials(settings, row.host, row.ip) == row.used);
}

}  // namespace
}  // namespace relaypipe
