#include "relay/protection.h"

#include <algorithm>

#include "base/ip_address.h"
#include "base/printable.h"

namespace relaypipe {
namespace {

bool plaintext_allowed(const RelaySettings& settings, std::string_view host, std::string_view ip) {
  const std::string& allowed = settings.allow_plaintext_auth;
  if (allowed.empty()) return false;
  const auto address = parse_ip_address(ip);
  if (allowed == "yes") return address && address->is_loopback();
  if (const auto named = parse_ip_address(allowed)) return address == named;
  return lower(host) == allowed;
}

}  // namespace

bool is_expected_host(const Destination& destination, const RelaySettings& settings, std::string_view host) {
  if (destination.lookup == Lookup::Address) return true;
  if (!settings.tls_more.name.empty() || !settings.tls_more.fingerprints.empty()) return true;
  const std::string found = lower(host);
  if (found == settings.allow_plaintext_auth) return true;
  return found == destination.host || found.ends_with("." + destination.host);
}

TlsLevel tls_policy(const Destination& destination, const RelaySettings& settings, const ConnectionUse& use) {
  if (destination.https) return TlsLevel::Verify;
  TlsLevel level = settings.tls;
  if (destination.implicit_tls) level = std::max(level, TlsLevel::Encrypt);
  if (use.credentials && !plaintext_allowed(settings, use.host, use.ip))
    level = std::max(level, settings.tls_more.fingerprints.empty() ? TlsLevel::Verify : TlsLevel::Encrypt);
  const bool in_clear = level == TlsLevel::May && use.handshake_failed && !use.credentials;
  return in_clear ? TlsLevel::None : level;
}

}  // namespace relaypipe
