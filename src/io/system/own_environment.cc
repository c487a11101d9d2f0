#include "io/system/own_environment.h"

#include <strings.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace relaypipe {
namespace {

/// Variables that are removed by their whole name.
constexpr std::array<std::string_view, 8> kNames{
    "SSLKEYLOGFILE",                  // OpenSSL, libcurl: the keys of every TLS session, for whoever reads that file
    "SSL_CERT_FILE", "SSL_CERT_DIR",  // OpenSSL: other authorities
    "NETRC",                          // libcurl: other credentials
    "LOCALDOMAIN",   "RES_OPTIONS",   // resolver: search lists
    "HOSTALIASES",                    // resolver: other hosts
    "GCONV_PATH",                     // C library: modules with code
};

/// Beginnings of names: OpenSSL's configuration, modules and engines; libcurl's authorities and debugging; c-ares.
constexpr std::array<std::string_view, 3> kBeginnings{"OPENSSL_", "CURL_", "CARES_"};

/// libcurl looks for `https_proxy`, `ALL_PROXY`, `no_proxy` and others of this form.
bool names_proxy(const std::string& name) {
  constexpr std::string_view kEnd = "_proxy";
  return name.size() >= kEnd.size() && ::strcasecmp(name.c_str() + name.size() - kEnd.size(), kEnd.data()) == 0;
}

bool unwanted(const std::string& name) {
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() || names_proxy(name) ||
         std::any_of(kBeginnings.begin(), kBeginnings.end(),
                     [&](auto beginning) { return name.starts_with(beginning); });
}

}  // namespace

void clean_environment() {
  std::vector<std::string> names;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    std::string name(text.substr(0, text.find('=')));
    if (unwanted(name)) names.push_back(std::move(name));
  }
  for (const std::string& name : names)
    ::unsetenv(name.c_str());
}

}  // namespace relaypipe
