#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "relay/session_limits.h"
#include "relay/time_limits.h"

namespace relaypipe {

/// How a connection is protected; the names are Postfix's (smtp_tls_security_level).
enum class TlsLevel {
  None,     ///< no STARTTLS
  May,      ///< STARTTLS where offered, certificate not looked at; clear text once where the handshake fails
  Encrypt,  ///< TLS or another relay; certificate not looked at
  Verify,   ///< TLS with a trusted certificate that names the host, or another relay
};

/// Whether a message that one relay refuses for its content is offered to the next one.
enum class ContentReject { Stop, Next };

enum class IpVersion { Any, V4, V6 };

/// How long a relay cools down, where neither its reply nor a rule tells.
struct CoolDown {
  Duration least = std::chrono::seconds(15);  ///< after the first failure; doubles with each one in a row
  Duration most = std::chrono::minutes(10);
};

enum class TlsVersion { V1_0, V1_1, V1_2, V1_3 };

/// How TLS is spoken with a relay, beside the level.
struct TlsSettings {
  std::string ca_file;                     ///< the only authorities trusted; empty: those of ca_path
  std::string ca_path = "/etc/ssl/certs";  ///< authorities by hashed name: one is read, where a bundle is read whole
  std::string name;                        ///< name to verify and to send as SNI; empty: the host's
  TlsVersion min_version = TlsVersion::V1_2;
  std::vector<std::string> fingerprints;  ///< `sha256//BASE64` of public keys, one of which the relay must have
  std::string cert_file;                  ///< our own certificate, for relays that ask for one
  std::string key_file;                   ///< its key; empty: in cert_file
};

/// What of the client that gave us the message is told to a relay that may know it (XFORWARD_README, XCLIENT_README).
enum class ClientReport { None, Xforward, Xclient };

/// The settings of one relay, with their defaults: those whose keys stand in `[defaults]` and `[relay.NAME]`. Plain
/// values; the names of the keys are in settings_table().
struct RelaySettings {
  Duration patience = std::chrono::seconds(2);  ///< a relay without progress for so long gets the next one beside it
  Duration stall_limit = std::chrono::seconds(30);  ///< any reply before the dot, while another relay is left
  std::string hostname;                             ///< EHLO name and own name in MX lists; empty: the machine's
  TimeLimits limits;
  SessionLimits session;
  TlsLevel tls = TlsLevel::May;
  TlsSettings tls_more;
  std::vector<std::string> auth_mechanisms;  ///< in upper case; empty: all we know
  std::string allow_plaintext_auth;  ///< "yes": credentials in clear to loopback; a host name: to that host; empty: no
  std::string
      password_map;  ///< accounts of relays without one of their own, in Postfix's sasl_passwd form; empty: none
  Duration secret_limit = std::chrono::seconds(10);  ///< password_command, token_command and the token endpoint
  std::vector<std::string> discard_ehlo_keywords;    ///< in upper case; read as if the relay had not announced them
  ClientReport client_report = ClientReport::None;
  ContentReject on_content_reject = ContentReject::Stop;
  std::string recipient_delimiter;  ///< each of its characters begins an address extension; empty: there are none
  IpVersion ip = IpVersion::Any;
  std::vector<std::string> bind_address;              ///< source addresses, at most one per IP version
  Duration resolve_limit = std::chrono::seconds(20);  ///< all lookups of one relay together
  std::uint64_t mx_address_limit = 5;  ///< addresses tried per relay (smtp_mx_address_limit); 0: no limit
  std::uint64_t mx_session_limit =
      2;             ///< sessions per relay that got past the handshake (smtp_mx_session_limit); 0: no limit
  bool srv = false;  ///< SRV lookup for domains without brackets
  CoolDown cool_down;
  std::uint64_t slow_factor = 4;  ///< so many times slower than its tier's best, a relay gives up its place; 0: never
};

}  // namespace relaypipe
