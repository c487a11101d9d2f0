// Gmail API: POST /upload/gmail/v1/users/me/messages/send?uploadType=media, the message as it is.
//
// It writes to To, Cc and Bcc of the message, and takes Bcc out.
#include <fmt/format.h>

#include "http/header_recipients.h"
#include "http/provider_files.h"

namespace relaypipe {
namespace {

HttpRequest send(const ApiInput& input) {
  return {"POST",
          "/upload/gmail/v1/users/me/messages/send?uploadType=media",
          {{"Content-Type", "message/rfc822"}},
          "",
          "",
          MessageInBody{BodyCoding::AsIs, bcc_field(input.header, input.envelope)}};
}

HttpRequest ask(const HttpsSettings&) { return {"GET", "/gmail/v1/users/me/profile", {}, "", ""}; }

std::optional<std::string> accepted(const HttpAnswer& answer, const JsonMembers& body) {
  return receipt(answer, body, "id");
}

RefusalWords refusal(const HttpAnswer&, const JsonMembers& body) {
  const std::string_view reason = body.at("error.errors.0.reason");
  return {std::string(reason.empty() ? body.at("error.status") : reason), std::string(body.at("error.message"))};
}

AskOutcome asked(const HttpAnswer& answer, const JsonMembers& body) {
  if (answer.status == 200) return {true, true, fmt::format("the mailbox is {}", body.at("emailAddress"))};
  const bool no_right = answer.status == kForbidden && refusal(answer, body).code == "insufficientPermissions";
  return {no_right, true,
          no_right ? "the token may not read the profile, which is no fault: gmail.send is enough" : ""};
}

constexpr ProviderApi kApi{
    .provider = "gmail",
    .host = "gmail.googleapis.com",
    .other_hosts = {},
    .needs = "",
    .auth = ApiAuth::Bearer,
    .max_size = 35 * kMebibyte,
    .coding = BodyCoding::AsIs,
    .max_recipients = 500,
    .recipients_in_header = true,
    .takes_null_sender = false,
    .token_scope = "https://www.googleapis.com/auth/gmail.send",
    .source = "https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/send",
    .send = send,
    .ask = ask,
    .accepted = accepted,
    .refusal = refusal,
    .asked = asked,
};

}  // namespace

const ProviderApi& gmail_api() { return kApi; }

}  // namespace relaypipe
