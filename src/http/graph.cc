// Microsoft Graph: POST /v1.0/users/MAILBOX/sendMail with the message in base64 as text/plain.
//
// It writes to To, Cc and Bcc of the message, from that mailbox, and says nothing but 202: above some size it has
// answered 200 and sent nothing (microsoft-graph-docs issue 13979).
#include <fmt/format.h>

#include <array>

#include "base/percent.h"
#include "http/header_recipients.h"
#include "http/provider_files.h"

namespace relaypipe {
namespace {

// National clouds (learn.microsoft.com/en-us/graph/deployments).
constexpr std::array<std::string_view, 3> kOtherHosts{"graph.microsoft.us", "dod-graph.microsoft.us",
                                                      "microsoftgraph.chinacloudapi.cn"};

HttpRequest send(const ApiInput& input) {
  return {"POST",
          fmt::format("/v1.0/users/{}/sendMail", percent_encoded(input.settings.mailbox)),
          {{"Content-Type", "text/plain"}},
          "",
          "",
          MessageInBody{BodyCoding::Base64, bcc_field(input.header, input.envelope)}};
}

HttpRequest ask(const HttpsSettings& settings) {
  return {"GET", fmt::format("/v1.0/users/{}?$select=mail", percent_encoded(settings.mailbox)), {}, "", ""};
}

std::optional<std::string> accepted(const HttpAnswer& answer, const JsonMembers&) {
  if (answer.status != 202) return std::nullopt;
  const std::string_view id = answer.field("request-id");
  return id.empty() ? "Accepted" : fmt::format("request-id {}", id);
}

RefusalWords refusal(const HttpAnswer&, const JsonMembers& body) {
  return {std::string(body.at("error.code")), std::string(body.at("error.message"))};
}

AskOutcome asked(const HttpAnswer& answer, const JsonMembers& body) {
  if (answer.status == 200) return {true, true, fmt::format("the mailbox is {}", body.at("mail"))};
  if (answer.status == 404) return {true, false, "there is no such mailbox"};
  const bool no_right = answer.status == kForbidden;
  return {no_right, true, no_right ? "the application may not read users, which is no fault: Mail.Send is enough" : ""};
}

constexpr ProviderApi kApi{
    .provider = "graph",
    .host = "graph.microsoft.com",
    .other_hosts = kOtherHosts,
    .needs = "mailbox",
    .auth = ApiAuth::Bearer,
    .max_size = 4 * kMebibyte,
    .coding = BodyCoding::Base64,
    .max_recipients = 1000,
    .recipients_in_header = true,
    .takes_null_sender = false,
    .token_scope = "https://graph.microsoft.com/.default",
    .source = "https://learn.microsoft.com/en-us/graph/api/user-sendmail",
    .send = send,
    .ask = ask,
    .accepted = accepted,
    .refusal = refusal,
    .asked = asked,
};

}  // namespace

const ProviderApi& graph_api() { return kApi; }

}  // namespace relaypipe
