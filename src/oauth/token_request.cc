#include "oauth/token_request.h"

namespace relaypipe {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";
constexpr std::string_view kDeviceGrant = "urn:ietf:params:oauth:grant-type:device_code";

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

bool stands_for_itself(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '*';
}

void append(std::string& text, std::string_view value) {
  for (const char c : value) {
    if (stands_for_itself(c)) {
      text += c;
    } else if (c == ' ') {
      text += '+';
    } else {
      const auto octet = static_cast<unsigned char>(c);
      text += '%';
      text += kHex[octet >> 4U];
      text += kHex[octet & 0x0FU];
    }
  }
}

/// What every request ends with: who asks, and for what. Empty values are left out.
Secret request(Fields fields, const Oauth2Config& config, std::string_view client_secret) {
  fields.emplace_back("client_id", config.client_id);
  if (!client_secret.empty()) fields.emplace_back("client_secret", client_secret);
  return form_encoded(fields);
}

}  // namespace

std::string form_encoded(std::string_view value) {
  std::string text;
  text.reserve(3 * value.size());
  append(text, value);
  return text;
}

Secret form_encoded(const Fields& fields) {
  std::size_t longest = 0;
  for (const auto& [name, value] : fields)
    longest += 3 * (name.size() + value.size()) + 2;
  std::string text;
  text.reserve(longest);
  for (const auto& [name, value] : fields) {
    if (!text.empty()) text += '&';
    append(text, name);
    text += '=';
    append(text, value);
  }
  return Secret(text);
}

Secret refresh_request(const Oauth2Config& config, const Secret& client_secret, const Secret& refresh_token) {
  Fields fields{{"grant_type", "refresh_token"}, {"refresh_token", refresh_token.reveal()}};
  if (!config.scope.empty()) fields.emplace_back("scope", config.scope);
  return request(std::move(fields), config, client_secret.reveal());
}

Secret client_credentials_request(const Oauth2Config& config, const Secret& client_secret) {
  Fields fields{{"grant_type", "client_credentials"}};
  if (!config.scope.empty()) fields.emplace_back("scope", config.scope);
  return request(std::move(fields), config, client_secret.reveal());
}

Secret device_request(const Oauth2Config& config, const Secret& client_secret) {
  Fields fields;
  if (!config.scope.empty()) fields.emplace_back("scope", config.scope);
  return request(std::move(fields), config, client_secret.reveal());
}

Secret device_token_request(const Oauth2Config& config, const Secret& client_secret, const Secret& device_code) {
  return request({{"grant_type", kDeviceGrant}, {"device_code", device_code.reveal()}}, config, client_secret.reveal());
}

}  // namespace relaypipe
