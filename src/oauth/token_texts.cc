#include "oauth/token_texts.h"

#include <fmt/format.h>

#include "base/printable.h"

namespace relaypipe {

std::string endpoint_name(const std::string& url) {
  std::string_view host = url;
  if (const std::size_t scheme = host.find("://"); scheme != std::string_view::npos) host.remove_prefix(scheme + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  return "token endpoint " + printable(host);
}

std::string way_to_authorize(const Relay& relay) {
  const Oauth2Config& config = *relay.account.oauth2;
  if (!config.device_endpoint.empty() || !config.authorization_endpoint.empty())
    return fmt::format("run `relaypipe token {} --authorize`", relay.name);
  if (!config.refresh_token_file.empty())
    return fmt::format("put a new refresh token into {}", printable(config.refresh_token_file));
  return "set refresh_token_file, or device_endpoint or authorization_endpoint for `relaypipe token --authorize`";
}

std::string endpoint_refusal(const Relay& relay, const EndpointTrouble& trouble) {
  const Oauth2Config& config = *relay.account.oauth2;
  std::string text = fmt::format("{} {}", endpoint_name(config.token_endpoint), trouble.text);
  if (trouble.kind != EndpointTrouble::Kind::Refused) return text;
  const bool refresh = config.grant == Oauth2Config::Grant::RefreshToken;
  if (trouble.code == "invalid_client" || trouble.code == "unauthorized_client")
    text += ": look at client_id and client_secret_file";
  else if (trouble.code == "invalid_scope")
    text += ": look at scope";
  else if (refresh && (trouble.code == "invalid_grant" || trouble.code == "interaction_required"))
    text += ": " + way_to_authorize(relay);
  return text;
}

}  // namespace relaypipe
