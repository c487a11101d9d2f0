#include "io/curl/tls.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/printable.h"

namespace relaypipe {
namespace {

/// libcurl's built-in directory would stay trusted beside a CA file: only a path that is none takes it away in all
/// versions.
const char* const kNoDirectory = "/dev/null";

constexpr std::size_t kShownNames = 3;

/// smtp(8)'s tls_medium_cipherlist: certificates are not looked at, so a relay without one will do as well.
const char* const kLenientCiphers = "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH";

long minimum_option(TlsVersion version) {
  switch (version) {
    case TlsVersion::V1_0: return CURL_SSLVERSION_TLSv1_0;
    case TlsVersion::V1_1: return CURL_SSLVERSION_TLSv1_1;
    case TlsVersion::V1_2: return CURL_SSLVERSION_TLSv1_2;
    case TlsVersion::V1_3: break;
  }
  return CURL_SSLVERSION_TLSv1_3;
}

std::string_view minimum_name(TlsVersion version) {
  constexpr std::array<std::string_view, 4> kNames{"1.0", "1.1", "1.2", "1.3"};
  return kNames.at(static_cast<std::size_t>(version));
}

std::string_view version_name(int version) {
  switch (version) {
    case SSL3_VERSION: return "SSL 3.0";
    case TLS1_VERSION: return "TLS 1.0";
    case TLS1_1_VERSION: return "TLS 1.1";
    default: return "TLS 1.2";
  }
}

bool made_with_openssl() {
  const char* const library = curl_version_info(CURLVERSION_NOW)->ssl_version;
  return library != nullptr && std::string_view(library).starts_with("OpenSSL/");
}

/// Where a context keeps the object that watches it.
int watcher_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

std::string when(const std::tm& utc) {
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} UTC", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                     utc.tm_min);
}

std::string when(const ASN1_TIME* time) {
  std::tm utc{};
  return time != nullptr && ASN1_TIME_to_tm(time, &utc) == 1 ? when(utc) : "an unreadable time";
}

/// A clock that is wrong here looks like a bad certificate there.
/// When a certificate ends, seconds since 1970; 0 where it says nothing readable.
std::int64_t not_after(const X509* certificate) {
  std::tm end{};
  return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1 ? timegm(&end) : 0;
}

std::string time_here() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  return when(utc);
}

std::string text_of(const ASN1_STRING* string) {
  unsigned char* utf8 = nullptr;
  const int length = ASN1_STRING_to_UTF8(&utf8, string);
  if (length < 0) return {};
  std::string text = printable({reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(length)});
  OPENSSL_free(utf8);
  return text;
}

/// The common name, else the organisation.
std::string name_of(const X509_NAME* name) {
  for (const int part : {NID_commonName, NID_organizationName}) {
    const int at = X509_NAME_get_index_by_NID(name, part, -1);
    if (at >= 0) return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  }
  return "somebody without a name";
}

std::string address_of(const ASN1_OCTET_STRING* octets) {
  const bool v6 = ASN1_STRING_length(octets) == sizeof(in6_addr);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (!v6 && ASN1_STRING_length(octets) != sizeof(in_addr)) return "an unreadable address";
  inet_ntop(v6 ? AF_INET6 : AF_INET, ASN1_STRING_get0_data(octets), text.data(), text.size());
  return text.data();
}

/// The DNS names and addresses of the certificate; its common name where it has none.
std::vector<std::string> names_of(const X509* leaf) {
  std::vector<std::string> names;
  auto* const all = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(all, i);
    if (name->type == GEN_DNS) names.push_back(text_of(name->d.dNSName));
    if (name->type == GEN_IPADD) names.push_back(address_of(name->d.iPAddress));
  }
  GENERAL_NAMES_free(all);
  if (names.empty()) names.push_back(name_of(X509_get_subject_name(leaf)));
  return names;
}

/// The SHA-256 of the public key, as tls_fingerprint writes it.
std::string fingerprint_of(const X509* leaf) {
  unsigned char* key = nullptr;
  const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &key);
  if (length < 0) return "unreadable";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(key, static_cast<std::size_t>(length), digest.data(), &size, EVP_sha256(), nullptr);
  OPENSSL_free(key);
  std::array<unsigned char, std::size_t{2} * EVP_MAX_MD_SIZE> base64{};
  EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  return fmt::format("sha256//{}", reinterpret_cast<const char*>(base64.data()));
}

}  // namespace

void CurlTls::configure(const CurlEasy& easy, TlsLevel level, const TlsSettings& settings, const std::string& host) {
  const bool verify = level == TlsLevel::Verify;
  // An enumeration in older versions of libcurl, numbers since.
  const auto use = level == TlsLevel::None ? CURLUSESSL_NONE : level == TlsLevel::May ? CURLUSESSL_TRY : CURLUSESSL_ALL;
  minimum_ = settings.min_version;
  easy.set(CURLOPT_USE_SSL, static_cast<long>(use));
  easy.set(CURLOPT_SSLVERSION, minimum_option(settings.min_version));
  easy.set(CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
  easy.set(CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
  if (verify) {
    const bool file = !settings.ca_file.empty();
    easy.set(CURLOPT_CAINFO, file ? settings.ca_file.c_str() : nullptr);
    easy.set(CURLOPT_CAPATH, file ? kNoDirectory : settings.ca_path.c_str());
  }
  pinned_ = !settings.fingerprints.empty();
  // A key that is pinned proves the relay, and credentials may follow.
  lenient_ = !verify && !pinned_;
  if (verify && parse_ip_address(host)) proved_address_ = host;
  if (pinned_) {
    easy.set(CURLOPT_PINNEDPUBLICKEY, fmt::format("{}", fmt::join(settings.fingerprints, ";")).c_str());
  }
  if (!settings.cert_file.empty()) {
    easy.set(CURLOPT_SSLCERT, settings.cert_file.c_str());
    easy.set(CURLOPT_SSLKEY, (settings.key_file.empty() ? settings.cert_file : settings.key_file).c_str());
  }
  if (!made_with_openssl()) return;
  easy.set(CURLOPT_SSL_CTX_FUNCTION, &on_context);
  easy.set(CURLOPT_SSL_CTX_DATA, this);
}

CURLcode CurlTls::on_context(CURL*, void* context, void* self) {
  static_cast<CurlTls*>(self)->watch(static_cast<SSL_CTX*>(context));
  return CURLE_OK;
}

void CurlTls::watch(SSL_CTX* context) {
  SSL_CTX_set_ex_data(context, watcher_index(), this);
  // Returns what it was given: the verdict stays OpenSSL's.
  SSL_CTX_set_verify(context, SSL_CTX_get_verify_mode(context), &on_verify);
  SSL_CTX_set_info_callback(context, &on_info);
  // In place of libcurl's, which would make a text of every record.
  SSL_CTX_set_msg_callback(context, &on_message);
  SSL_CTX_set_msg_callback_arg(context, this);
  // Protocols that old have no signature that OpenSSL 3 takes without being told to.
  if (minimum_ < TlsVersion::V1_2 || lenient_) SSL_CTX_set_security_level(context, 0);
  if (lenient_) {
    SSL_CTX_set_cipher_list(context, kLenientCiphers);
    SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT);
  }
  // libcurl would take a common name for an address as well (RFC 6125 B.2 and RFC 9525 6.5 do not).
  if (!proved_address_.empty()) X509_VERIFY_PARAM_set1_ip_asc(SSL_CTX_get0_param(context), proved_address_.c_str());
}

int CurlTls::on_verify(int ok, X509_STORE_CTX* store) {
  const auto* const ssl =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* const self = static_cast<CurlTls*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), watcher_index()));
  if (self == nullptr) return ok;
  const auto keep = [](std::unique_ptr<X509, Free>& kept, X509* certificate) {
    if (kept.get() != certificate && certificate != nullptr && X509_up_ref(certificate) == 1) kept.reset(certificate);
  };
  keep(self->leaf_, X509_STORE_CTX_get0_cert(store));
  if (ok == 0 && self->fault_ == X509_V_OK) {
    self->fault_ = X509_STORE_CTX_get_error(store);
    keep(self->culprit_, X509_STORE_CTX_get_current_cert(store));
  }
  return ok;
}

void CurlTls::on_info(const SSL* ssl, int where, int value) {
  auto* const self = static_cast<CurlTls*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), watcher_index()));
  if (self != nullptr && (where & SSL_CB_HANDSHAKE_DONE) != 0) {
    self->version_ = SSL_get_version(ssl);
    self->cipher_ = SSL_get_cipher_name(ssl);
    self->bits_ = SSL_get_cipher_bits(ssl, nullptr);
  }
  if ((where & SSL_CB_ALERT) == 0) return;
  constexpr int kLevelShift = 8;
  const bool fatal = (value >> kLevelShift) == SSL3_AL_FATAL;
  if (self != nullptr && fatal && self->alert_ == 0) {
    self->alert_ = value;
    self->alert_received_ = (where & SSL_CB_READ) != 0;
    // The error comes before the alert it is told with; libcurl has it only as a text of its own.
    const char* const reason = self->alert_received_ ? nullptr : ERR_reason_error_string(ERR_peek_last_error());
    self->reason_ = reason != nullptr ? printable(reason) : "";
  }
}

void CurlTls::on_message(int written, int, int type, const void* data, size_t size, SSL*, void* self) {
  if (written != 0) return;
  auto* const tls = static_cast<CurlTls*>(self);
  tls->answered_ = true;
  // The version a ServerHello bears is that of the protocol up to TLS 1.2 (RFC 5246 7.4.1.3).
  constexpr size_t kVersionEnd = 6;
  const auto* const octets = static_cast<const unsigned char*>(data);
  if (type == SSL3_RT_HANDSHAKE && size >= kVersionEnd && octets[0] == SSL3_MT_SERVER_HELLO)
    tls->server_version_ = (octets[4] << 8) | octets[5];
}

std::string CurlTls::handshake_fault() const {
  constexpr int kDescription = 0xFF;
  const int alert = alert_ & kDescription;
  const bool versions = alert_ != 0 && alert == SSL_AD_PROTOCOL_VERSION;
  if (versions && server_version_ != 0) {
    return fmt::format("it speaks only {}, and tls_min_version is {}", version_name(server_version_),
                       minimum_name(minimum_));
  }
  if (versions) return fmt::format("no common TLS version; tls_min_version is {}", minimum_name(minimum_));
  if (alert_ != 0 && alert_received_ && alert == SSL_AD_HANDSHAKE_FAILURE)
    return "no common cipher (handshake failure)";
  if (alert_ != 0) {
    const std::string name = printable(SSL_alert_desc_string_long(alert_));
    if (alert_received_) return fmt::format("it ended the handshake ({})", name);
    return fmt::format("we ended the handshake ({})", reason_.empty() ? name : reason_);
  }
  if (answered_ && server_version_ == 0) return "what it sent is not TLS";
  return answered_ ? "the connection broke in the middle of the handshake" : "";
}

std::string CurlTls::names() const {
  if (!leaf_) return "other names";
  std::string text;
  std::size_t count = 0;
  for (const std::string& name : names_of(leaf_.get())) {
    if (++count > kShownNames) return text + ", ...";
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

std::string CurlTls::issuer() const { return leaf_ ? name_of(X509_get_issuer_name(leaf_.get())) : "somebody"; }

std::string CurlTls::certificate_fault(long verify_result, const std::string& host) const {
  const long fault = fault_ != X509_V_OK ? fault_ : verify_result;
  const X509* const culprit = culprit_.get();
  switch (fault) {
    case X509_V_OK:
    case X509_V_ERR_UNSPECIFIED:  // libcurl's value while it has none: the chain was good and the name was not
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      if (names() == host) {
        return fmt::format(
            "wrong name: {} is only the common name of the certificate, and an address counts as a "
            "subject alternative name alone",
            host);
      }
      return fmt::format("wrong name: the certificate is for {}, not for {}", names(), host);
    case X509_V_ERR_CERT_HAS_EXPIRED:
      if (culprit == nullptr) return "the certificate has expired";
      return fmt::format("the certificate of {} expired {}; it is {} here", name_of(X509_get_subject_name(culprit)),
                         when(X509_get0_notAfter(culprit)), time_here());
    case X509_V_ERR_CERT_NOT_YET_VALID:
      if (culprit == nullptr) return "the certificate is not yet valid";
      return fmt::format("the certificate of {} is not valid before {}; it is {} here",
                         name_of(X509_get_subject_name(culprit)), when(X509_get0_notBefore(culprit)), time_here());
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return fmt::format("self-signed certificate of {}, which is not among those trusted", names());
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED: return fmt::format("unknown authority: the certificate is issued by {}", issuer());
    default: return printable(X509_verify_cert_error_string(fault));
  }
}

std::optional<TlsReport> CurlTls::report() const {
  if (version_.empty() && !leaf_) return std::nullopt;
  TlsReport report{version_, cipher_, {}, "", 0, ""};
  if (!leaf_) return report;
  report.names = names_of(leaf_.get());
  report.issuer = issuer();
  report.fingerprint = fingerprint_of(leaf_.get());
  report.not_after = not_after(leaf_.get());
  return report;
}

SessionFacts CurlTls::facts() const {
  SessionFacts facts;
  if (version_.empty()) return facts;
  facts.tls_version = version_;
  facts.tls_cipher = cipher_;
  facts.tls_bits = bits_;
  facts.tls_trust = pinned_ ? SessionFacts::TlsTrust::Pinned : SessionFacts::TlsTrust::Unproved;
  if (leaf_) facts.certificate_end = WallTime(std::chrono::seconds(not_after(leaf_.get())));
  return facts;
}

std::string CurlTls::pin_fault() const {
  if (!leaf_) return "its public key is none of tls_fingerprint";
  return fmt::format("its public key is {}, which is none of tls_fingerprint", fingerprint_of(leaf_.get()));
}

}  // namespace relaypipe
