// Mailgun: POST /v3/DOMAIN/messages.mime, a form with the message as a file.
//
// The recipients are those of `to`, one field for each, whatever the header says. There is no word for the envelope's
// sender: it is made of the domain.
#include <fmt/format.h>

#include <array>

#include "base/percent.h"
#include "http/provider_files.h"

namespace relaypipe {
namespace {

constexpr std::array<std::string_view, 1> kOtherHosts{"api.eu.mailgun.net"};

HttpRequest send(const ApiInput& input) {
  std::string form;
  for (const Address& recipient : input.envelope.recipients) {
    form += fmt::format("--{}\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\n{}\r\n", input.boundary,
                        recipient.text());
  }
  form += fmt::format(
      "--{}\r\nContent-Disposition: form-data; name=\"message\"; filename=\"message.mime\"\r\n"
      "Content-Type: application/octet-stream\r\n\r\n",
      input.boundary);
  return {"POST",
          fmt::format("/v3/{}/messages.mime", percent_encoded(input.settings.domain)),
          {{"Content-Type", fmt::format("multipart/form-data; boundary={}", input.boundary)}},
          std::move(form),
          fmt::format("\r\n--{}--\r\n", input.boundary),
          MessageInBody{BodyCoding::AsIs}};
}

HttpRequest ask(const HttpsSettings& settings) {
  return {"GET", fmt::format("/v3/domains/{}", percent_encoded(settings.domain)), {}, "", ""};
}

std::optional<std::string> accepted(const HttpAnswer& answer, const JsonMembers& body) {
  return receipt(answer, body, "id");
}

/// A sentence, in JSON or as it is; but not a page for browsers.
RefusalWords refusal(const HttpAnswer& answer, const JsonMembers& body) {
  if (body.empty() && answer.body.starts_with('<')) return {};
  return {"", body.empty() ? answer.body : std::string(body.at("message"))};
}

AskOutcome asked(const HttpAnswer& answer, const JsonMembers& body) {
  if (answer.status == 200) {
    const std::string_view state = body.at("domain.state");
    const bool disabled = body.at("domain.is_disabled") == "true";
    return {true, !disabled && (state.empty() || state == "active"),
            fmt::format("the domain is {}{}", state.empty() ? "known" : state, disabled ? ", and disabled" : "")};
  }
  if (answer.status == 404)
    return {true, false, "the domain is not one of this account; is it in the other region (EU, US)?"};
  return {false, true,
          answer.status == kUnauthorized || answer.status == kForbidden
              ? "a domain's sending key may do nothing but send: then this is no fault"
              : ""};
}

constexpr ProviderApi kApi{
    .provider = "mailgun",
    .host = "api.mailgun.net",
    .other_hosts = kOtherHosts,
    .needs = "domain",
    .auth = ApiAuth::Basic,
    .max_size = 25 * kMebibyte,
    .coding = BodyCoding::AsIs,
    .max_recipients = 1000,
    .recipients_in_header = false,
    .takes_null_sender = true,
    .token_scope = "",
    .source = "https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages",
    .send = send,
    .ask = ask,
    .accepted = accepted,
    .refusal = refusal,
    .asked = asked,
};

}  // namespace

const ProviderApi& mailgun_api() { return kApi; }

}  // namespace relaypipe
