// What providers say when they refuse, and what they mean by it. The columns are those of reply_rules.cc.
//
// Evidence: "doc" the provider's documentation; "code" read in programs that talk to the provider; "issue" a public
// report with the text; "sisimai" the tables of that project, 2024-10; an RFC; or the server software whose text it is.
#include "verdict/row_words.h"

namespace relaypipe {
namespace {

using namespace rows;

// One and the same service at several hosts: its consumer form, and the national clouds.
constexpr std::string_view kM365 = "m365 m365-us m365-china outlook";
constexpr std::string_view kM365Eop = "m365 m365-us m365-china outlook eop";
constexpr std::string_view kM365Hve = "m365 m365-us m365-china outlook m365-hve";

// clang-format off
constexpr ReplyRow kRows[] = {
    // Amazon SES
    {"ses", kAnywhere, "", "454", "", "throttling failure: daily message quota exceeded", kQuota, kSliding, "doc"},
    {"ses", kAnywhere, "", "454", "", "throttling failure: maximum sending rate exceeded", kRate, kDefault, "doc, listmonk issue 2273"},
    {"ses", kThere, "", "421", "", "too many concurrent smtp connections", kRate, kDefault, "doc"},
    {"ses", kThere, "", "451", "", "temporary service failure|timeout waiting for data", kNetwork, kDefault, "doc"},
    {"ses", kAnywhere, kTransaction, "554", "", "email address(es)? (is|are) not verified", kSender, kDefault, "doc"},
    {"ses", kThere, kTransaction, "4xx 5xx", "", "sending (is )?(suspended|paused)|account has been paused", kAccount, kDefault, "code"},
    {"ses", kThere, "auth", "535", "", "authentication credentials invalid", kAuth, kCredentials, "doc; also minutes after a key is made"},
    {"ses", kThere, kAfterMail, "5xx", "", "address (is )?blacklisted|address (is|was) (on the )?suppress", kMailbox, kDefault, "issue, doc"},
    // SendGrid
    {"sendgrid", kAnywhere, "auth", "4xx 5xx", "", "maximum credits exceeded", kQuota, kUtcDay, "doc, Adobe Commerce knowledge base log"},
    {"sendgrid", kThere, "auth", "535", "", "authorization grant is invalid, expired,? or revoked", kAuth, kCredentials, "issue"},
    {"sendgrid", kAnywhere, kTransaction, "4xx 5xx", "", "not authorized to send from that email address", kSender, kDefault, "doc; as a 550 not verified"},
    {"sendgrid", kAnywhere, kTransaction, "5xx", "", "does not match a verified sender identity", kSender, kDefault, "EBWiki issue 3861, chatwoot issue 2371"},
    {"sendgrid", kThere, kTransaction, "550", "", "unauthenticated senders not allowed", kAuth, kCredentials, "sendgrid/docs issue 6473"},
    // Mailgun: its 421 is not the short-lived one of the RFC.
    {"mailgun", kAnywhere, kTransaction, "4xx 5xx", "", "domain .{0,200} is not allowed to send: .{0,100}too fast", kRate, kDefault, "code, the reasons from its API"},
    {"mailgun", kAnywhere, kTransaction, "4xx 5xx", "", "domain .{0,200} is not allowed to send: .{0,100}limit exceeded", kQuota, kSliding, "code, the reasons from its API"},
    {"mailgun", kAnywhere, kTransaction, "4xx 5xx", "", "domain .{0,200} is not allowed to send\\b", kAccount, kDefault, "code"},
    // Google
    {"gmail", kAnywhere, "", "4xx 5xx", "", "daily (user )?sending (limit|quota) exceeded", kQuota, kSliding, "doc, sisimai"},
    {"workspace-relay", kAnywhere, "", "4xx 5xx", "", "daily smtp relay (sending )?limit exceeded for", kQuota, kSliding, "doc, sisimai"},
    {"workspace-relay", kAnywhere, "", "4xx", "", "peak smtp relay limit exceeded for customer", kRate, kMinutes, "doc, sisimai"},
    {"workspace-relay", kThere, "", "421", "4.7.x", "try again later, closing connection", kRate, kMinutes, "doc; its advice is to look at the HELO name"},
    {"workspace-relay", kAnywhere, kTransaction, "5xx", "5.7.x", "mail relay denied|invalid credentials for relay", kPolicy, kDefault, "sisimai"},
    {"gmail workspace-relay", kAnywhere, "auth", "454", "", "too many login attempts", kRate, kSliding, "sisimai; more tries make it worse"},
    {"gmail workspace-relay", kAnywhere, "auth", "454", "", "cannot authenticate due to temporary system problem", kNetwork, kDefault, "sisimai"},
    {"gmail workspace-relay", kAnywhere, "auth", "5xx", "", "username and password not accepted", kAuth, kCredentials, "sisimai"},
    {"gmail workspace-relay", kAnywhere, "auth", "5xx", "", "application-specific password required|log in (with|through|via) your web browser", kAuth, kCredentials, "sisimai; needs a human"},
    {"gmail workspace-relay", kAnywhere, "auth", "504", "", "xoauth is no longer supported", kAuth, kCredentials, "sisimai"},
    {"gmail workspace-relay", kAnywhere, kTransaction, "530", "", "must issue a starttls", kTls, kDefault, "sisimai, RFC 3207"},
    // Microsoft 365: submission, its high volume form, and Exchange Online Protection behind a connector
    {kM365, kAnywhere, "", "4xx", "", "concurrent connections? limit exceeded|sender thread limit exceeded", kRate, kDefault, "doc; three per mailbox"},
    {kM365, kAnywhere, "", "5xx", "", "submissionquotaexceeded|sender's submission quota", kQuota, kSliding, "doc"},
    {kM365, kAnywhere, kTransaction, "5xx", "", "daily limit for message recipients", kQuota, kSliding, "sisimai"},
    {kM365, kThere, kTransaction, "550", "5.1.90", "", kQuota, kSliding, "sisimai"},
    {kM365, kAnywhere, kTransaction, "5xx", "", "storedrv\\.submission.{0,200}quotaexceeded", kAccount, kDefault, "doc; the sender's own mailbox is full of what it sent"},
    {kM365, kThere, kTransaction, "550", "", "^550 5\\.2\\.25[1-5] ", kRate, kSliding, "doc; sender throttled due to continuous errors"},
    {kM365Eop, kAnywhere, kTransaction, "5xx", "", "does not have permissions to send as this sender|sendasdenied", kSender, kDefault, "code; wording not verified"},
    {kM365Eop, kThere, kTransaction, "5xx", "5.7.60", "", kSender, kDefault, "code"},
    {kM365, kAnywhere, "auth", "535", "5.7.139", "smtpclientauthentication is disabled|basic authentication is disabled|did not meet the criteria", kAuth, kCredentials, "code"},
    {kM365, kThere, "auth", "535", "5.7.3", "authentication unsuccessful", kAuth, kCredentials, "doc, issue"},
    {kM365, kAnywhere, "auth", "5xx", "5.7.30", "basic authentication is not supported", kAuth, kCredentials, "doc; OAuth is wanted"},
    {kM365Hve, kAnywhere, "auth", "501", "", "token will expire soon", kAuth, kMinute, "sasl-xoauth2 source; the same relay once more with a fresh token"},
    {kM365Eop, kAnywhere, kTransaction, "530", "5.7.57", "", kAuth, kCredentials, "sisimai"},
    {kM365Eop, kAnywhere, "", "5xx", "", "tenantattribution; relay access denied", kPolicy, kDefault, "sisimai"},
    {kM365Eop, kAnywhere, "", "5xx", "", "tenant has exceeded threshold|traffic not accepted from this ip|bad outbound sender|access denied, spam abuse detected", kAccount, kDefault, "sisimai"},
    {kM365Eop, kThere, "", "5xx", "", "^5\\d\\d 5\\.(7\\.(7[0-4]\\d|50[1-3]|64)|1\\.8) ", kAccount, kDefault, "sisimai"},
    {kM365Eop, kThere, "", "451", "", "^451 4\\.7\\.[56]\\d\\d |server busy", kRate, kMinutes, "doc, sisimai"},
    {kM365Eop, kAnywhere, kTransaction, "5xx", "", "^5\\d\\d 5\\.7\\.(50[12368]|51[13]|6[0-4]\\d|7[0-5]\\d) ", kPolicy, kDefault, "doc; numbers that nobody else uses: our address, tenant or EHLO name"},
    {kM365Eop, kAnywhere, kTransaction, "5xx", "", "resolver\\.rst\\.(authrequired|notauthorized|restricted)", kUnknown, kDefault, "doc; whom the recipient lets write, not how we log in"},
    // Zoho: 5.4.6 elsewhere means a mail loop.
    {"zoho", kAnywhere, kTransaction, "4xx 5xx", "", "unusual sending activity detected", kQuota, kHours, "code, doc"},
    {"zoho", kThere, kTransaction, "4xx 5xx", "", "mail rate exceeded limit", kRate, kSliding, "code, doc"},
    {"zoho zeptomail", kThere, kTransaction, "5xx", "", "relaying disallowed as", kSender, kDefault, "doc"},
    {"zeptomail", kThere, "auth", "535", "", "authentication failed", kAuth, kCredentials, "doc"},
    {"zeptomail", kThere, kWithContent, "5xx", "", "subject is mandatory|detected by zoho mail", kContent, kDefault, "doc"},
    {"zeptomail", kThere, kTransaction, "5xx", "", "email size exceeded the policy", kSize, kDefault, "doc"},
    // Cloudflare
    {"cloudflare", kThere, "auth", "535", "5.7.8", "", kAuth, kCredentials, "doc; also where the token may not send for the domain"},
    {"cloudflare", kThere, kTransaction, "550", "5.7.1", "", kSender, kDefault, "doc; the domain of MAIL is not onboarded"},
    {"cloudflare", kThere, "rcpt", "452", "4.5.3", "", kTooMany, kDefault, "doc; 50 recipients per session"},
    {"cloudflare", kThere, "", "451", "4.3.0", "", kNetwork, kDefault, "doc; local error"},
    // Oracle Cloud: 455 and 471 are nobody else's
    {"oci", kAnywhere, kTransaction, "4xx", "", "maximum messages sent per minute reached", kRate, kMinute, "doc"},
    {"oci", kAnywhere, kTransaction, "4xx", "", "maximum messages sent per day reached", kQuota, kSliding, "doc; any 24 hours"},
    {"oci", kAnywhere, "", "4xx 5xx", "", "authorization failed: envelope from", kSender, kDefault, "code; no approved sender"},
    {"oci", kThere, "", "421", "", "too many (connections|auth failures)", kRate, kMinutes, "doc; by our address"},
    {"oci", kThere, "", "4xx", "", "mail system failure|problem attempting to execute commands|timeout waiting for data|server error|error in processing|system storage error", kNetwork, kDefault, "doc"},
    // MailerSend numbers what it says; Resend's words are those of its interface.
    {"mailersend", kAnywhere, "", "4xx 5xx", "", "#ms42207\\b", kSender, kDefault, "code; the domain of From is not verified"},
    {"mailersend", kAnywhere, "", "4xx 5xx", "", "#ms42222\\b", kQuota, kSliding, "code; the allowance of a trial"},
    {"resend", kAnywhere, kTransaction, "4xx 5xx", "", "domain is not verified\\. please, add and verify", kSender, kDefault, "resend-node issue 455, from its interface"},
    {"resend", kAnywhere, kTransaction, "4xx 5xx", "", "you can only send testing emails to your own email address", kAccount, kDefault, "swift-resend issue 15, from its interface"},
    // SMTP2GO
    {"smtp2go", kAnywhere, kTransaction, "5xx", "", "from header sender domain not verified", kSender, kDefault, "PHPMailer issue 2683"},
    {"smtp2go", kThere, "", "550", "", "that ip address is not allowed to send", kAccount, kDefault, "gophish issue 1701"},
    {"smtp2go", kAnywhere, kTransaction, "550", "", "to send email from a blank sender, enable blank senders", kSender, kDefault, "Cloudflare-WAF-Expressions issue 9; said to the null sender"},
    // Azure
    {"azure", kThere, "auth", "535", "5.7.3", "authentication unsuccessful", kAuth, kCredentials, "MailKit issue 1967"},
    // others
    {"icloud", kAnywhere, kTransaction, "5xx", "", "from address is not one of your addresses", kSender, kDefault, "code"},
    {"ionos", kAnywhere, kTransaction, "4xx 5xx", "", "mail send limit exceeded", kQuota, kHours, "code; its first line reads like a mailbox's"},
    {"brevo", kThere, "auth", "454", "", "invalid password", kAuth, kCredentials, "SidewalkWebpage issue 3411; 4yz and yet permanent"},
    {"brevo", kThere, "auth", "535", "", "authentication failed", kAuth, kCredentials, "code"},
    {"brevo", kAnywhere, "auth", "525", "", "unauthorized ip address", kAccount, kDefault, "code; our address changed"},
    {"yandex", kAnywhere, "mail rcpt", "5xx", "", "sender address rejected: not owned by auth(orized)? user", kSender, kDefault, "issue; also said to the null sender"},
    {"outmail", kAnywhere, kTransaction, "5xx", "", "you have exceeded your outmail quota", kQuota, kSliding, "doc; says recipient and means the account"},
    {"msndr", kAnywhere, "", "4xx 5xx", "", "too many messages\\. try again in \\d+ seconds", kRate, kMinutes, "doc"},
    {"cpanel", kAnywhere, kTransaction, "4xx 5xx", "", "has exceeded the max (emails|defers and failures) per hour", kQuota, kNextHour, "doc; mostly said in a bounce, when it is too late"},
    {"godaddy", kThere, "", "550", "", "\\bib(504|607)\\b|(messages|recipients) this hour", kQuota, kNextHour, "sisimai"},
    {"godaddy", kThere, "", "4xx 5xx", "", "\\bib(510|007|101)\\b", kRate, kDefault, "sisimai; of one session, or sessions"},
    {"postmark", kThere, kAfterMail, "5xx", "", "inactive|suppress", kMailbox, kDefault, "doc; another relay would undo a suppression"},
    {"sparkpost", kAnywhere, kAfterMail, "5xx", "", "recipient address was suppressed", kMailbox, kDefault, "issue, doc; another relay would undo a suppression"},
};
// clang-format on

}  // namespace

std::span<const ReplyRow> provider_rows() { return kRows; }

}  // namespace relaypipe
