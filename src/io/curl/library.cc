#include "io/curl/library.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace relaypipe {
namespace {

void wiping_free(void* block) {
  if (block == nullptr) return;
  explicit_bzero(block, malloc_usable_size(block));
  std::free(block);
}

/// Never in place: what realloc(3) moves it leaves behind as it was.
void* wiping_realloc(void* block, size_t size) {
  void* const moved = std::malloc(size);
  if (moved == nullptr || block == nullptr) return moved;
  std::memcpy(moved, block, std::min(size, malloc_usable_size(block)));
  wiping_free(block);
  return moved;
}

}  // namespace

void start_libcurl() {
  // OpenSSL would make a table of all reasons its crypto functions may fail for, when it first looks at its errors: 6 %
  // of the instructions of a delivery in clear text, 13 % with libcurl built in. Those of libssl come with the first
  // SSL_CTX as ever, and CurlTls has words of its own; of the rest the log shows the number.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, nullptr);
  const CURLcode code =
      curl_global_init_mem(CURL_GLOBAL_DEFAULT, std::malloc, wiping_free, wiping_realloc, strdup, std::calloc);
  if (code != CURLE_OK) throw std::bad_alloc();
}

std::string libcurl_version() {
  const curl_version_info_data* const built = curl_version_info(CURLVERSION_NOW);
  std::string tls = built->ssl_version != nullptr ? built->ssl_version : "no TLS";
  std::replace(tls.begin(), tls.end(), '/', ' ');
#ifdef RELAYPIPE_BUILT_IN_CURL
  return fmt::format("libcurl {} (built in), {}", RELAYPIPE_BUILT_IN_CURL, tls);
#else
  return fmt::format("libcurl {} (shared), {}", built->version, tls);
#endif
}

bool libcurl_lacks(std::string_view mechanism) {
  // The others need nothing beside TLS.
  const int feature = mechanism == "GSSAPI" ? CURL_VERSION_KERBEROS5 : mechanism == "NTLM" ? CURL_VERSION_NTLM : 0;
  return feature != 0 && (curl_version_info(CURLVERSION_NOW)->features & feature) == 0;
}

}  // namespace relaypipe
