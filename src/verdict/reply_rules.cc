// What relays say when they refuse, and what they mean by it. The columns: whose words, where they hold, the stages,
// the code, the enhanced status, the words themselves, what they mean, until when, and how it is known.
//
// Evidence: "doc" the provider's documentation; "code" read in programs that talk to the provider; "issue" a public
// report with the text; "sisimai" the tables of that project, 2024-10; an RFC; or the server software whose text it is.
//
// A row that holds anywhere has to be one that no ordinary refusal of a recipient or a message matches: a wrong "relay"
// defers mail that should bounce, a wrong "recipient" bounces mail that must not.
#include "verdict/reply_rules.h"

#include <fmt/format.h>

#include <chrono>

namespace relaypipe {
namespace {

using namespace std::chrono_literals;

constexpr Holds kThere = Holds::There;
constexpr Holds kAnywhere = Holds::Anywhere;

constexpr std::string_view kTransaction = "mail rcpt data content end_of_data";

constexpr Meaning kNetwork{Scope::Relay, Cause::Network};
constexpr Meaning kTls{Scope::Relay, Cause::Tls};
constexpr Meaning kAuth{Scope::Relay, Cause::Auth};
constexpr Meaning kQuota{Scope::Relay, Cause::Quota};
constexpr Meaning kRate{Scope::Relay, Cause::Rate};
constexpr Meaning kAccount{Scope::Relay, Cause::Account};
constexpr Meaning kPolicy{Scope::Relay, Cause::Policy};
constexpr Meaning kSender{Scope::RelaySender, Cause::SenderNotAllowed};
constexpr Meaning kSize{Scope::Message, Cause::Size};
constexpr Meaning kContent{Scope::Message, Cause::Content};
constexpr Meaning kMessage{Scope::Message, Cause::Unknown};
constexpr Meaning kTooMany{Scope::Message, Cause::Rate};  // this transaction is too large, whatever the account may
constexpr Meaning kMailbox{Scope::Recipient, Cause::Mailbox};
constexpr Meaning kRecipientSize{Scope::Recipient, Cause::Size};
constexpr Meaning kRecipient{Scope::Recipient, Cause::Unknown};

constexpr Until kDefault{};
constexpr Until kMinutes{Until::Kind::After, 5min};
// A window that slides frees a little at any time: one message per hour finds out.
constexpr Until kSliding{Until::Kind::After, 1h};
constexpr Until kHours{Until::Kind::After, 3h};
constexpr Until kMinute{Until::Kind::After, 1min};
constexpr Until kNextHour{Until::Kind::NextHour, {}};
constexpr Until kUtcDay{Until::Kind::UtcMidnight, {}};
constexpr Until kCredentials{Until::Kind::Credentials, {}};

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
    {"ses", kThere, kTransaction, "5xx", "", "address (is )?blacklisted|address (is|was) (on the )?suppress", kMailbox, kDefault, "issue, doc"},
    // SendGrid
    {"sendgrid", kAnywhere, "auth", "4xx 5xx", "", "maximum credits exceeded", kQuota, kUtcDay, "doc, Adobe Commerce knowledge base log"},
    {"sendgrid", kThere, "auth", "535", "", "authorization grant is invalid, expired,? or revoked", kAuth, kCredentials, "issue"},
    {"sendgrid", kAnywhere, kTransaction, "4xx 5xx", "", "not authorized to send from that email address", kSender, kDefault, "doc; as a 550 not verified"},
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
    {"m365", kAnywhere, "", "4xx", "", "concurrent connections? limit exceeded|sender thread limit exceeded", kRate, kDefault, "doc; three per mailbox"},
    {"m365", kAnywhere, "", "5xx", "", "submissionquotaexceeded|sender's submission quota", kQuota, kSliding, "doc"},
    {"m365", kAnywhere, kTransaction, "5xx", "", "daily limit for message recipients", kQuota, kSliding, "sisimai"},
    {"m365", kThere, kTransaction, "550", "5.1.90", "", kQuota, kSliding, "sisimai"},
    {"m365", kAnywhere, kTransaction, "5xx", "", "storedrv\\.submission.{0,200}quotaexceeded", kAccount, kDefault, "doc; the sender's own mailbox is full of what it sent"},
    {"m365", kThere, kTransaction, "550", "", "^550 5\\.2\\.25[1-5] ", kRate, kSliding, "doc; sender throttled due to continuous errors"},
    {"m365 eop", kAnywhere, kTransaction, "5xx", "", "does not have permissions to send as this sender|sendasdenied", kSender, kDefault, "code; wording not verified"},
    {"m365 eop", kThere, kTransaction, "5xx", "5.7.60", "", kSender, kDefault, "code"},
    {"m365", kAnywhere, "auth", "535", "5.7.139", "smtpclientauthentication is disabled|basic authentication is disabled|did not meet the criteria", kAuth, kCredentials, "code"},
    {"m365", kThere, "auth", "535", "5.7.3", "authentication unsuccessful", kAuth, kCredentials, "doc, issue"},
    {"m365", kAnywhere, "auth", "5xx", "5.7.30", "basic authentication is not supported", kAuth, kCredentials, "doc; OAuth is wanted"},
    {"m365 m365-hve", kAnywhere, "auth", "501", "", "token will expire soon", kAuth, kMinute, "sasl-xoauth2 source; the same relay once more with a fresh token"},
    {"m365 eop", kAnywhere, kTransaction, "530", "5.7.57", "", kAuth, kCredentials, "sisimai"},
    {"m365 eop", kAnywhere, "", "5xx", "", "tenantattribution; relay access denied", kPolicy, kDefault, "sisimai"},
    {"m365 eop", kAnywhere, "", "5xx", "", "tenant has exceeded threshold|traffic not accepted from this ip|bad outbound sender|access denied, spam abuse detected", kAccount, kDefault, "sisimai"},
    {"m365 eop", kThere, "", "5xx", "", "^5\\d\\d 5\\.(7\\.(7[0-4]\\d|50[1-3]|64)|1\\.8) ", kAccount, kDefault, "sisimai"},
    {"m365 eop", kThere, "", "451", "", "^451 4\\.7\\.[56]\\d\\d |server busy", kRate, kMinutes, "doc, sisimai"},
    // Zoho: 5.4.6 elsewhere means a mail loop.
    {"zoho", kAnywhere, kTransaction, "4xx 5xx", "", "unusual sending activity detected", kQuota, kHours, "code, doc"},
    {"zoho", kThere, kTransaction, "4xx 5xx", "", "mail rate exceeded limit", kRate, kSliding, "code, doc"},
    {"zoho", kThere, kTransaction, "5xx", "", "relaying disallowed as", kSender, kDefault, "doc"},
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
    {"postmark", kThere, kTransaction, "5xx", "", "inactive|suppress", kMailbox, kDefault, "doc; another relay would undo a suppression"},
    {"sparkpost", kAnywhere, kTransaction, "5xx", "", "recipient address was suppressed", kMailbox, kDefault, "issue, doc; another relay would undo a suppression"},

    // The account at any provider. "your account" is said to us, "account" alone of the recipient.
    {"", kAnywhere, "rcpt", "4xx 5xx", "", "recipient address rejected: .{0,60}(policy rejection.{0,5}quota exceeded|sending quota exceeded)", kQuota, kDefault, "simple-java-mail issue 348, gomail issue 174; policy services"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "\\byou('ve| have) (exceeded|reached|used up) (your|the) .{0,40}\\b(sending|outgoing|outbound|hourly|daily|monthly)\\b.{0,40}\\b(limit|quota|allowance)", kQuota, kDefault, "support.apple.com HT4863 and hosters"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "\\b(hourly|daily|monthly) (sending|message|e?mail|recipient)s? (limit|quota) (exceeded|reached)", kQuota, kDefault, "hosters"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "too many (messages|e?mails) (sent|this (hour|day|minute)|per (hour|day|minute)|in the last)", kRate, kDefault, "hosters"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "\\byour (e-?mail |smtp |mail |sending )?account\\b.{0,60}\\b(suspended|disabled|blocked|locked|paused|deactivated|restricted|terminated|expired)\\b", kAccount, kDefault, "hosters"},
    {"", kAnywhere, "mail rcpt", "4xx 5xx", "", "sender address rejected: not (owned by|logged in)", kSender, kDefault, "Postfix reject_sender_login_mismatch"},
    {"", kAnywhere, "mail rcpt", "5xx", "", "relay access denied|relay(ing)? (is )?(denied|not (permitted|allowed)|prohibited)|unable to relay|not (permitted|allowed) to relay|(isn't|not) in my list of allowed rcpthosts|\\bwe do not relay", kPolicy, kDefault, "Postfix, Exim, Exchange, sendmail, qmail"},
    {"", kAnywhere, "mail rcpt", "55x", "", "authentication (is )?required|must (be )?authenticate|please authenticate", kAuth, kCredentials, "servers that say 550 for RFC 4954's 530"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "", "client host .{0,80}(rejected|blocked)|banned sending ip|\\byour (ip|ip address|server|host|mail server)\\b.{0,60}(blacklisted|blocklisted|\\bblocked|listed (in|at|on|by)\\b)", kPolicy, kDefault, "Postfix reject_rbl_client, Exchange Online"},
    {"", kAnywhere, kTransaction, "452 5xx", "", "too many recipients", kTooMany, kDefault, "RFC 5321 4.5.3.1.10, sisimai; fewer in one transaction pass"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "x.5.3", "", kTooMany, kDefault, "RFC 3463"},

    // The sender and the size, where the stage alone would say something else.
    {"", kAnywhere, "rcpt", "4xx 5xx", "x.1.7 x.1.8", "", kMessage, kDefault, "RFC 3463; Postfix refuses senders in reply to RCPT"},
    {"", kAnywhere, "rcpt", "4xx 5xx", "", "sender address rejected|sender verify failed", kMessage, kDefault, "Postfix, Exim"},
    {"", kAnywhere, "rcpt end_of_data", "4xx 5xx", "x.2.2", "", kMailbox, kDefault, "RFC 3463: mailbox full"},
    {"", kAnywhere, "rcpt end_of_data", "4xx 5xx", "", "(mailbox|user|recipient|inbox)\\b.{0,40}(is (almost )?full|over quota|quota exceeded|exceeded .{0,20}quota|size limit)", kMailbox, kDefault, "Dovecot, Exim, Exchange"},
    {"", kAnywhere, "rcpt", "5xx", "5.2.3", "", kRecipientSize, kDefault, "RFC 3463: larger than this mailbox takes"},
    {"", kAnywhere, kTransaction, "4xx 5xx", "x.3.4", "", kSize, kDefault, "RFC 3463, RFC 1870"},
    {"", kAnywhere, "mail", "552", "", "", kSize, kDefault, "RFC 1870 6.1: nothing else was told yet"},
    {"", kAnywhere, kTransaction, "55x", "", "message (size )?(is )?too (big|large)|message size exceeds|message file too big|exceeds .{0,40}(message size|size limit)|maximum message size", kSize, kDefault, "Postfix, Exim, sendmail, OpenSMTPD, qmail"},

    // Recipients and content: the cause; hard or soft is the code's.
    {"", kAnywhere, "rcpt", "4xx", "", "gr[ea]y-?list", kRecipient, kDefault, "postgrey, Exim, rspamd"},
    {"", kAnywhere, "rcpt", "55x", "5.1.1 5.1.6 5.1.10 5.2.1", "", kMailbox, kDefault, "RFC 3463, RFC 7505"},
    {"", kAnywhere, "rcpt", "55x", "", "user unknown|unknown user|no such (user|recipient|mailbox|address|person)|unrouteable address|(user|mailbox|recipient|account|address)\\b.{0,60}(not found|(does not|doesn't) exist|unavailable|disabled|inactive)", kMailbox, kDefault, "Postfix, Exim, OpenSMTPD, Exchange"},
    {"", kAnywhere, kTransaction, "5xx", "", "\\bspam(my)?\\b|junk ?mail|unsolicited|\\bvirus|malware|phishing|(rejected|blocked|refused) (due to|because of|for) (its )?content|content (was )?(rejected|blocked|denied)", kContent, kDefault, "Gmail, rspamd, SpamAssassin, ClamAV, Exchange"},

    // The general rules of the design, section 8.
    {"", kAnywhere, "", "421", "", "", kNetwork, kDefault, "RFC 5321 4.2.3: the service goes away"},
    {"", kAnywhere, "greeting ehlo", "5xx", "", "", kPolicy, kDefault, "RFC 5321 3.1: it refuses to talk to us"},
    {"", kAnywhere, "auth", "5xx", "", "", kAuth, kCredentials, "RFC 4954"},
    {"", kAnywhere, "starttls", "4xx 5xx", "", "", kTls, kDefault, "RFC 3207"},
    {"", kAnywhere, "resolve connect greeting ehlo tls auth", "4xx 5xx", "", "", kNetwork, kDefault, "nothing before MAIL speaks of the message"},
    {"", kAnywhere, "", "530 534 535 538", "", "", kAuth, kCredentials, "RFC 4954 6, RFC 3207 4: it wants us to authenticate or to encrypt"},
    {"", kAnywhere, "", "500 502 503 504 521 555", "", "", kPolicy, kDefault, "RFC 5321 4.2.2, RFC 7504: it does not speak as we do, or takes no mail"},
    {"", kAnywhere, "rcpt", "4xx 5xx", "", "", kRecipient, kDefault, "RFC 5321 3.3"},
    {"", kAnywhere, "", "4xx 5xx", "", "", kMessage, kDefault, "RFC 5321 3.3"},
};
// clang-format on

}  // namespace

std::span<const ReplyRow> reply_rows() { return kRows; }

bool belongs_to(const ReplyRow& row, std::string_view provider) {
  for (std::string_view rest = row.provider; !rest.empty() && !provider.empty();) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    if (word == provider) return true;
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  }
  return false;
}

std::string row_text(const ReplyRow& row) {
  std::string text = is_general(row) ? "general rule" : "table";
  if (!row.provider.empty()) text += fmt::format(", {}", row.provider);
  if (!row.stages.empty()) text += fmt::format(", stage {}", row.stages);
  text += fmt::format(", code {}", row.code);
  if (!row.status.empty()) text += fmt::format(", status {}", row.status);
  if (!row.match.empty()) text += fmt::format(", /{}/", row.match);
  return text + fmt::format(" ({})", row.evidence);
}

}  // namespace relaypipe
