#include <fmt/format.h>

#include <optional>

#include "base/printable.h"
#include "oauth/token_request.h"

namespace relaypipe {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string form_decoded(std::string_view text) {
  std::string value;
  value.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool coded = text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
    if (coded) {
      value += static_cast<char>(16 * digit(text[i + 1]) + digit(text[i + 2]));
      i += 2;
    } else {
      value += text[i] == '+' ? ' ' : text[i];
    }
  }
  return value;
}

std::optional<std::string> parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view field = query.substr(0, query.find('&'));
    if (field.size() > name.size() && field.starts_with(name) && field[name.size()] == '=')
      return form_decoded(field.substr(name.size() + 1));
    query.remove_prefix(std::min(field.size() + 1, query.size()));
  }
  return std::nullopt;
}

}  // namespace

std::string consent_url(const Oauth2Config& config, const Consent& consent) {
  // access_type and prompt are Google's: without them it gives a refresh token only the first time.
  const Secret query = form_encoded({{"response_type", "code"},
                                     {"client_id", config.client_id},
                                     {"redirect_uri", consent.redirect_uri},
                                     {"scope", config.scope},
                                     {"state", consent.state},
                                     {"code_challenge", consent.challenge},
                                     {"code_challenge_method", "S256"},
                                     {"access_type", "offline"},
                                     {"prompt", "consent"}});
  const bool more = config.authorization_endpoint.find('?') != std::string::npos;
  return fmt::format("{}{}{}", config.authorization_endpoint, more ? "&" : "?", query.reveal());
}

Result<Secret, std::string> code_in(std::string_view address, const Consent& consent) {
  const std::size_t question = address.find('?');
  std::string_view query = question == std::string_view::npos ? std::string_view() : address.substr(question + 1);
  query = query.substr(0, query.find_first_of("# \t\r\n"));
  if (const auto error = parameter(query, "error"))
    return fail(fmt::format("the browser brings back: {}", clip(printable(*error), 80)));
  auto code = parameter(query, "code");
  if (!code || code->empty())
    return fail(std::string("that is not the address the browser ended at: it has \"code=\" in it"));
  if (parameter(query, "state") != consent.state)
    return fail(std::string("that is the address of another try; open the page shown above"));
  return Secret(*code);
}

Secret code_request(const Oauth2Config& config, const Secret& client_secret, const Secret& code,
                    const Consent& consent) {
  std::vector<std::pair<std::string_view, std::string_view>> fields{{"grant_type", "authorization_code"},
                                                                    {"code", code.reveal()},
                                                                    {"redirect_uri", consent.redirect_uri},
                                                                    {"code_verifier", consent.verifier.reveal()},
                                                                    {"client_id", config.client_id}};
  if (!client_secret.empty()) fields.emplace_back("client_secret", client_secret.reveal());
  return form_encoded(fields);
}

}  // namespace relaypipe
