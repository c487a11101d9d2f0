// Amazon SES, API v2: POST /v2/email/outbound-emails with the message in base64 inside of JSON.
//
// The recipients are those of Destination, whatever the header says, and it stays as it is. FromEmailAddress is never
// there, since it would replace the From field. There is no word for the envelope's sender: SES makes one of its own,
// and sends what bounces to FeedbackForwardingEmailAddress, which has to be verified as the sender has to be over SMTP.
#include <fmt/format.h>

#include <array>

#include "http/provider_files.h"

namespace relaypipe {
namespace {

constexpr std::array<std::string_view, 1> kOtherHosts{"email-fips.REGION.amazonaws.com"};

HttpRequest send(const ApiInput& input) {
  std::string json = R"({"Destination":{"ToAddresses":[)";
  for (const Address& recipient : input.envelope.recipients) {
    if (json.back() == '"') json += ',';
    json += '"' + json_escaped(recipient.text()) + '"';
  }
  json += "]}";
  if (!input.envelope.sender.is_null())
    json += fmt::format(R"(,"FeedbackForwardingEmailAddress":"{}")", json_escaped(input.envelope.sender.text()));
  json += R"(,"Content":{"Raw":{"Data":")";
  return {"POST",    "/v2/email/outbound-emails",      {{"Content-Type", "application/json"}}, std::move(json),
          R"("}}})", MessageInBody{BodyCoding::Base64}};
}

HttpRequest ask(const HttpsSettings&) { return {"GET", "/v2/email/account", {}, "", ""}; }

std::optional<std::string> accepted(const HttpAnswer& answer, const JsonMembers& body) {
  return receipt(answer, body, "MessageId");
}

/// The word is in a field, as `TooManyRequestsException:http://…` at times, or in the body as `com.…#Word`.
RefusalWords refusal(const HttpAnswer& answer, const JsonMembers& body) {
  std::string_view code = answer.field("x-amzn-errortype");
  code = code.substr(0, code.find(':'));
  if (code.empty()) code = body.at("__type");
  code = code.substr(code.find('#') == code.npos ? 0 : code.find('#') + 1);
  std::string_view message = body.at("message");
  if (message.empty()) message = body.at("Message");
  // What follows repeats the request, the session token included.
  message = message.substr(0, message.find("The Canonical String for this request"));
  return {std::string(code), std::string(message)};
}

AskOutcome asked(const HttpAnswer& answer, const JsonMembers& body) {
  if (answer.status == 200) {
    AskOutcome outcome{true, body.at("SendingEnabled") != "false", ""};
    outcome.words =
        fmt::format("{} of {} messages sent in 24 hours, {} per second", body.at("SendQuota.SentLast24Hours"),
                    body.at("SendQuota.Max24HourSend"), body.at("SendQuota.MaxSendRate"));
    if (!outcome.may_send) outcome.words += "; sending is disabled for this account";
    if (body.at("ProductionAccessEnabled") == "false") outcome.words += "; in the sandbox: only to verified addresses";
    return outcome;
  }
  // The signature was right, and the key may do less than this: GetAccount is a right of its own.
  const bool no_right = answer.status == kForbidden && refusal(answer, body).code == "AccessDeniedException";
  return {no_right, true, no_right ? "the key may not read the account (ses:GetAccount), which is no fault" : ""};
}

constexpr ProviderApi kApi{
    .provider = "ses",
    .host = "email.REGION.amazonaws.com",
    .other_hosts = kOtherHosts,
    .needs = "region",
    .auth = ApiAuth::SigV4,
    .max_size = 40 * kMebibyte,
    .coding = BodyCoding::Base64,
    .max_recipients = 50,
    .recipients_in_header = false,
    .takes_null_sender = true,
    .token_scope = "",
    .source = "https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html",
    .send = send,
    .ask = ask,
    .accepted = accepted,
    .refusal = refusal,
    .asked = asked,
};

}  // namespace

const ProviderApi& ses_api() { return kApi; }

}  // namespace relaypipe
