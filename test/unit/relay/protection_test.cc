// Promise 6: over which connections credentials may go.
#include "relay/protection.h"

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
  RelaySettings settings;
  settings.tls = row.tls;
  settings.allow_plaintext_auth = row.allowed;
  if (row.pinned) settings.tls_more.fingerprints = {"sha256//x"};
  CAPTURE(static_cast<int>(row.tls), row.allowed, row.host, row.ip);
  CHECK(tls_policy(Destination(), settings, {row.host, row.ip, true}) == row.used);
}

TEST_CASE("a connection without credentials is protected as `tls` says, and once in clear where that is only a wish") {
  struct Row {
    TlsLevel tls;
    bool implicit;
    bool https;
    TlsLevel used;
    TlsLevel after_a_failed_handshake;
  };
  constexpr auto kNone = TlsLevel::None;
  constexpr auto kMay = TlsLevel::May;
  constexpr auto kEncrypt = TlsLevel::Encrypt;
  constexpr auto kVerify = TlsLevel::Verify;
  const Row row =
      GENERATE(Row{kNone, false, false, kNone, kNone}, Row{kMay, false, false, kMay, kNone},
               Row{kEncrypt, false, false, kEncrypt, kEncrypt}, Row{kVerify, false, false, kVerify, kVerify},
               // Where TLS begins with the connection there is no clear text to go back to.
               Row{kNone, true, false, kEncrypt, kEncrypt}, Row{kMay, true, false, kEncrypt, kEncrypt},
               Row{kVerify, true, false, kVerify, kVerify}, Row{kMay, true, true, kVerify, kVerify});
  RelaySettings settings;
  settings.tls = row.tls;
  Destination destination;
  destination.implicit_tls = row.implicit;
  destination.https = row.https;
  CAPTURE(static_cast<int>(row.tls), row.implicit, row.https);
  CHECK(tls_policy(destination, settings, {"mx.example", "192.0.2.1"}) == row.used);
  CHECK(tls_policy(destination, settings, {"mx.example", "192.0.2.1", false, true}) == row.after_a_failed_handshake);
}

TEST_CASE("credentials never go in clear because a handshake failed") {
  RelaySettings settings;
  settings.allow_plaintext_auth = "mx.example";
  CHECK(tls_policy(Destination(), settings, {"mx.example", "192.0.2.1", true, true}) == TlsLevel::May);
  CHECK(tls_policy(Destination(), settings, {"other.example", "192.0.2.1", true, true}) == TlsLevel::Verify);
}

TEST_CASE("credentials go to no host that only DNS names") {
  struct Row {
    Lookup lookup;
    const char* destination;
    const char* host;
    const char* tls_name;
    const char* pinned;
    const char* allowed;
    bool expected;
  };
  const Row row = GENERATE(Row{Lookup::Address, "mail.example.com", "mail.example.com", "", "", "", true},
                           // The domain itself or a host in it.
                           Row{Lookup::Mx, "example.com", "example.com", "", "", "", true},
                           Row{Lookup::Mx, "example.com", "MX1.example.com", "", "", "", true},
                           Row{Lookup::Srv, "example.com", "submission.example.com", "", "", "", true},
                           Row{Lookup::Mx, "example.com", "mx.provider.example", "", "", "", false},
                           Row{Lookup::Srv, "example.com", "mx.provider.example", "", "", "", false},
                           Row{Lookup::Mx, "example.com", "notexample.com", "", "", "", false},
                           Row{Lookup::Mx, "example.com", "example.com.evil.example", "", "", "", false},
                           // Somebody said whom to expect.
                           Row{Lookup::Mx, "example.com", "mx.provider.example", "smtp.provider.example", "", "", true},
                           Row{Lookup::Mx, "example.com", "mx.provider.example", "", "sha256//x", "", true},
                           Row{Lookup::Mx, "example.com", "mx.provider.example", "", "", "mx.provider.example", true},
                           Row{Lookup::Mx, "example.com", "mx.provider.example", "", "", "yes", false});
  Destination destination;
  destination.host = row.destination;
  destination.lookup = row.lookup;
  RelaySettings settings;
  settings.tls_more.name = row.tls_name;
  if (*row.pinned != '\0') settings.tls_more.fingerprints = {row.pinned};
  settings.allow_plaintext_auth = row.allowed;
  CAPTURE(row.destination, row.host);
  CHECK(is_expected_host(destination, settings, row.host) == row.expected);
}

}  // namespace
}  // namespace relaypipe
