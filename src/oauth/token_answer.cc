#include "oauth/token_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/printable.h"
#include "oauth/token_request.h"

namespace relaypipe {
namespace {

using Kind = EndpointTrouble::Kind;
using Sent = std::span<const std::string_view>;

constexpr std::size_t kLongestPhrase = 240;
constexpr std::size_t kLongestToken = std::size_t{16} << 10U;
constexpr std::chrono::seconds kLongestLifetime{10L * 365 * 24 * 3600};
constexpr std::chrono::seconds kLongestInterval{60};

std::string_view value(const AnswerFields& fields, std::string_view name) {
  const auto field =
      std::find_if(fields.begin(), fields.end(), [&](const AnswerField& candidate) { return candidate.name == name; });
  return field == fields.end() ? std::string_view() : field->value.reveal();
}

Secret copy(std::string_view octets) {
  std::string text(octets);
  return Secret(text);
}

void hide(std::string& text, std::string_view secret) {
  // A short one would take ordinary words with it.
  if (secret.size() < 4) return;
  for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at))
    text.replace(at, secret.size(), "********");
}

/// Foreign words as a phrase for a person, without what was sent.
std::string phrase(std::string_view words, Sent sent) {
  std::string text(words);
  for (const std::string_view secret : sent) {
    hide(text, secret);
    hide(text, form_encoded(secret));
  }
  std::string line = printable(text);
  return std::string(clip(line, kLongestPhrase));
}

/// A token as it may go into a SASL message: visible ASCII (RFC 6749 appendix A.12). In XOAUTH2 a control octet would
/// end the field.
bool usable_token(std::string_view token) {
  return !token.empty() && token.size() <= kLongestToken &&
         std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

/// A number of seconds, as a number or as text (Microsoft's older endpoints); fractions are cut off.
std::optional<std::chrono::seconds> seconds(std::string_view text, std::chrono::seconds longest) {
  long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0 || (end != text.data() + text.size() && *end != '.')) return std::nullopt;
  return std::min(std::chrono::seconds(number), longest);
}

Kind kind_of(int status, std::string_view code) {
  if (code == "authorization_pending") return Kind::Pending;
  if (code == "slow_down") return Kind::SlowDown;
  if (code == "temporarily_unavailable" || code == "server_error" || status == 429 || status >= 500)
    return Kind::Passing;
  if (!code.empty() || status >= 400) return Kind::Refused;
  return Kind::ProtocolError;
}

EndpointTrouble garbled(std::string text) { return {Kind::ProtocolError, "", std::move(text)}; }

/// An answer that is no success, or no JSON object.
EndpointTrouble trouble(int status, const std::optional<AnswerFields>& fields, Sent sent) {
  const std::string code = fields ? phrase(value(*fields, "error"), sent) : "";
  const std::string more = fields ? phrase(value(*fields, "error_description"), sent) : "";
  EndpointTrouble result{kind_of(status, code), code, ""};
  if (!code.empty())
    result.text = fmt::format("says {}{}", code, more.empty() ? "" : fmt::format(" ({})", more));
  else if (status == 200)
    result.text = "answers something that is not a JSON object";
  else
    result.text = fmt::format("answers with HTTP status {}", status);
  return result;
}

bool success(int status, const std::optional<AnswerFields>& fields) {
  return status >= 200 && status < 300 && fields && value(*fields, "error").empty();
}

}  // namespace

Result<GrantedToken, EndpointTrouble> judge_token_answer(int status, const std::optional<AnswerFields>& fields,
                                                         Sent sent) {
  if (!success(status, fields)) return fail(trouble(status, fields, sent));
  const std::string_view token = value(*fields, "access_token");
  if (token.empty()) return fail(garbled("answers without an access_token"));
  if (!usable_token(token)) return fail(garbled("answers with an access_token that cannot be used"));
  const std::string_view type = value(*fields, "token_type");
  if (!type.empty() && lower(type) != "bearer")
    return fail(garbled(fmt::format("gives a token of type {} instead of Bearer", phrase(type, sent))));
  const std::string_view renewed = value(*fields, "refresh_token");
  if (!renewed.empty() && !usable_token(renewed))
    return fail(garbled("answers with a refresh_token that cannot be used"));
  GrantedToken granted{copy(token), copy(renewed), kAssumedLifetime, phrase(value(*fields, "scope"), sent), {}};
  const std::string_view lifetime = value(*fields, "expires_in");
  if (!lifetime.empty()) {
    const auto span = seconds(lifetime, kLongestLifetime);
    if (!span) return fail(garbled("answers with an expires_in that is not a number of seconds"));
    granted.lifetime = *span;
  }
  // No RFC has it. The first name is Google's, the second Keycloak's; there 0 means that it has no end.
  for (const std::string_view name : {"refresh_token_expires_in", "refresh_expires_in"}) {
    const auto span = seconds(value(*fields, name), kLongestLifetime);
    if (span && span->count() > 0) granted.refresh_lifetime = *span;
  }
  return granted;
}

Result<DeviceCode, EndpointTrouble> judge_device_answer(int status, const std::optional<AnswerFields>& fields,
                                                        Sent sent) {
  if (!success(status, fields)) return fail(trouble(status, fields, sent));
  DeviceCode code;
  code.device_code = copy(value(*fields, "device_code"));
  code.user_code = phrase(value(*fields, "user_code"), sent);
  code.verification_uri = phrase(value(*fields, "verification_uri"), sent);
  // Google's name for it, older than the RFC.
  if (code.verification_uri.empty()) code.verification_uri = phrase(value(*fields, "verification_url"), sent);
  code.complete_uri = phrase(value(*fields, "verification_uri_complete"), sent);
  const auto lifetime = seconds(value(*fields, "expires_in"), kLongestLifetime);
  if (code.device_code.empty() || code.user_code.empty() || code.verification_uri.empty() || !lifetime)
    return fail(garbled("answers without what a device flow needs"));
  code.lifetime = *lifetime;
  const auto interval = seconds(value(*fields, "interval"), kLongestInterval);
  if (interval && interval->count() > 0) code.interval = *interval;
  return code;
}

}  // namespace relaypipe
