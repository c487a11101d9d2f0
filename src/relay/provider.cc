#include "relay/provider.h"

#include <algorithm>
#include <array>

namespace relaypipe {
namespace {

using Host = std::string_view;

constexpr std::array<Host, 1> kAzure{"smtp.azurecomm.net"};
constexpr std::array<Host, 2> kBrevo{"smtp-relay.brevo.com", "smtp-relay.sendinblue.com"};
constexpr std::array<Host, 1> kCloudflare{"smtp.mx.cloudflare.net"};
constexpr std::array<Host, 2> kEop{".mail.protection.outlook.com", ".mx.microsoft"};
constexpr std::array<Host, 2> kGmail{"smtp.gmail.com", "smtp.googlemail.com"};
constexpr std::array<Host, 3> kGodaddy{"smtpout.secureserver.net", "smtpout.*.secureserver.net",
                                       "relay-hosting.secureserver.net"};
constexpr std::array<Host, 1> kGraph{"graph.microsoft.com"};
constexpr std::array<Host, 1> kHve{"smtp-hve.office365.com"};
constexpr std::array<Host, 1> kIcloud{"smtp.mail.me.com"};
constexpr std::array<Host, 2> kIonos{"smtp.ionos.*", "smtp.1und1.de"};
constexpr std::array<Host, 2> kMailgun{"smtp.mailgun.org", "smtp.eu.mailgun.org"};
constexpr std::array<Host, 1> kMailersend{"smtp.mailersend.net"};
constexpr std::array<Host, 2> kMailjet{"in-v3.mailjet.com", "in.mailjet.com"};
constexpr std::array<Host, 1> kMandrill{"smtp.mandrillapp.com"};
constexpr std::array<Host, 1> kMicrosoft{"smtp.office365.com"};
constexpr std::array<Host, 1> kMicrosoftChina{"smtp.partner.outlook.cn"};
constexpr std::array<Host, 1> kMicrosoftUs{"smtp.office365.us"};
constexpr std::array<Host, 1> kOci{"smtp.email.*.oraclecloud.com"};
constexpr std::array<Host, 1> kOutlook{"smtp-mail.outlook.com"};
constexpr std::array<Host, 2> kPostmark{"smtp.postmarkapp.com", "smtp-broadcasts.postmarkapp.com"};
constexpr std::array<Host, 1> kResend{"smtp.resend.com"};
constexpr std::array<Host, 1> kScaleway{"smtp.tem.scaleway.com"};
constexpr std::array<Host, 2> kSendgrid{"smtp.sendgrid.net", "smtp.eu.sendgrid.net"};
constexpr std::array<Host, 2> kSes{"email-smtp.*.amazonaws.com", "email-smtp-fips.*.amazonaws.com"};
constexpr std::array<Host, 1> kSmtp2go{"mail.smtp2go.com"};
constexpr std::array<Host, 2> kSparkpost{"smtp.sparkpostmail.com", "smtp.eu.sparkpostmail.com"};
constexpr std::array<Host, 1> kWorkspace{"smtp-relay.gmail.com"};
constexpr std::array<Host, 1> kYandex{"smtp.yandex.*"};
constexpr std::array<Host, 1> kZeptomail{"smtp.zeptomail.*"};
constexpr std::array<Host, 2> kZoho{"smtp.zoho.*", "smtppro.zoho.*"};

constexpr std::string_view kGoogleTokens = "https://oauth2.googleapis.com/token";
// Google's device flow has no scope for mail, so a person consents in the browser.
constexpr std::string_view kGoogleConsent = "https://accounts.google.com/o/oauth2/v2/auth";
constexpr std::string_view kGoogleScope = "https://mail.google.com/";
constexpr std::string_view kMicrosoftTokens = "https://login.microsoftonline.com/common/oauth2/v2.0/token";
constexpr std::string_view kMicrosoftDevices = "https://login.microsoftonline.com/common/oauth2/v2.0/devicecode";
constexpr std::string_view kGraphScope = "https://graph.microsoft.com/.default";
constexpr std::string_view kMicrosoftScope = "https://outlook.office.com/SMTP.Send offline_access";
// The national clouds have authorities and mail hosts of their own.
constexpr std::string_view kUsTokens = "https://login.microsoftonline.us/common/oauth2/v2.0/token";
constexpr std::string_view kUsDevices = "https://login.microsoftonline.us/common/oauth2/v2.0/devicecode";
constexpr std::string_view kUsScope = "https://outlook.office365.us/SMTP.Send offline_access";
constexpr std::string_view kChinaTokens = "https://login.partner.microsoftonline.cn/common/oauth2/v2.0/token";
constexpr std::string_view kChinaDevices = "https://login.partner.microsoftonline.cn/common/oauth2/v2.0/devicecode";
constexpr std::string_view kChinaScope = "https://partner.outlook.cn/SMTP.Send offline_access";

// clang-format off
// Ceilings are those of every account; where the plan decides, or where nothing could be verified, there is none.
constexpr Provider kProviders[] = {
    {"azure", "Azure Communication Services", kAzure, "", "", "", "", "", "", "https://learn.microsoft.com/azure/communication-services/quickstarts/email/send-email-smtp/smtp-authentication"},
    {"brevo", "Brevo", kBrevo, "", "", "", "", "", "", "https://developers.brevo.com/docs/smtp-integration"},
    {"cloudflare", "Cloudflare Email Service", kCloudflare, "", "", "", "", "", "", "https://developers.cloudflare.com/email-service/api/send-emails/smtp/"},
    {"cpanel", "a host with cPanel", {}, "", "", "", "", "", "", ""},
    {"eop", "Exchange Online Protection, behind a connector", kEop, "", "", "", "", "", "", ""},
    {"gmail", "Gmail and Google Workspace users", kGmail, "", "", "", kGoogleTokens, "", kGoogleScope, "", kGoogleConsent},
    {"godaddy", "GoDaddy", kGodaddy, "", "", "", "", "", "", ""},
    {"graph", "Microsoft Graph, sendMail over HTTPS", kGraph, "30/m", "10000 recipients/24h", "4", kMicrosoftTokens, kMicrosoftDevices, kGraphScope, "https://learn.microsoft.com/en-us/graph/throttling-limits"},
    {"icloud", "iCloud Mail", kIcloud, "", "1000 recipients/24h", "", "", "", "", "https://support.apple.com/en-us/102198"},
    {"ionos", "IONOS", kIonos, "", "", "", "", "", "", ""},
    {"m365", "Microsoft 365, SMTP AUTH submission", kMicrosoft, "30/m", "10000 recipients/24h", "3", kMicrosoftTokens, kMicrosoftDevices, kMicrosoftScope, "https://learn.microsoft.com/en-us/exchange/troubleshoot/send-emails/smtp-submission-improvements"},
    {"m365-china", "Microsoft 365 operated by 21Vianet", kMicrosoftChina, "", "", "", kChinaTokens, kChinaDevices, kChinaScope, ""},
    {"m365-hve", "Microsoft 365, High Volume Email", kHve, "", "", "", kMicrosoftTokens, kMicrosoftDevices, kMicrosoftScope, ""},
    {"m365-us", "Microsoft 365 GCC High", kMicrosoftUs, "", "", "", kUsTokens, kUsDevices, kUsScope, ""},
    {"mailersend", "MailerSend", kMailersend, "", "", "", "", "", "", ""},
    {"mailgun", "Mailgun", kMailgun, "", "", "", "", "", "", ""},
    {"mailjet", "Mailjet", kMailjet, "", "", "", "", "", "", ""},
    {"mandrill", "Mailchimp Transactional (Mandrill)", kMandrill, "", "", "", "", "", "", ""},
    {"msndr", "cloud4u/msndr", {}, "", "", "", "", "", "", ""},
    {"oci", "Oracle Cloud Email Delivery", kOci, "", "", "", "", "", "", "https://docs.oracle.com/iaas/Content/Email/Concepts/troubleshooting.htm"},
    {"outlook", "Outlook.com and Hotmail", kOutlook, "", "", "", kMicrosoftTokens, kMicrosoftDevices, kMicrosoftScope, ""},
    {"outmail", "Prolateral outMail", {}, "", "", "", "", "", "", "https://www.prolateral.com/help/kb/smtp/530-what-does-smtp-554-571-mean.html"},
    {"postmark", "Postmark", kPostmark, "", "", "", "", "", "", "https://postmarkapp.com/developer/webhooks/smtp-api-error"},
    {"resend", "Resend", kResend, "", "", "", "", "", "", "https://resend.com/docs/send-with-smtp"},
    {"scaleway", "Scaleway Transactional Email", kScaleway, "", "", "", "", "", "", "https://www.scaleway.com/en/docs/transactional-email/reference-content/tem-capabilities-and-limits/"},
    {"sendgrid", "Twilio SendGrid", kSendgrid, "", "", "", "", "", "", "https://support.sendgrid.com/hc/en-us/articles/35466138799899"},
    {"ses", "Amazon SES", kSes, "", "", "", "", "", "", "https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html"},
    {"smtp2go", "SMTP2GO", kSmtp2go, "", "", "", "", "", "", ""},
    {"sparkpost", "SparkPost", kSparkpost, "", "", "", "", "", "", "https://developers.sparkpost.com/api/smtp/"},
    {"workspace-relay", "Google Workspace SMTP relay service", kWorkspace, "", "", "", "", "", "", "https://support.google.com/a/answer/6140680"},
    {"yandex", "Yandex Mail", kYandex, "", "500 recipients/24h", "", "", "", "", "https://yandex.com/support/mail/web/letter/create/send-many-letters.html"},
    {"zeptomail", "Zoho ZeptoMail", kZeptomail, "", "", "", "", "", "", "https://www.zoho.com/zeptomail/help/api/smtp-error-codes.html"},
    {"zoho", "Zoho Mail", kZoho, "", "", "", "", "", "", "https://www.zoho.com/mail/help/usage-policy.html"},
};
// clang-format on

/// `.domain`: any name below it; one `*`: any text at that place.
bool names(std::string_view pattern, std::string_view host) {
  if (pattern.starts_with('.')) return host.ends_with(pattern);
  const std::size_t star = pattern.find('*');
  if (star == pattern.npos) return host == pattern;
  const std::string_view tail = pattern.substr(star + 1);
  return host.size() > pattern.size() - 1 && host.starts_with(pattern.substr(0, star)) && host.ends_with(tail);
}

}  // namespace

std::span<const Provider> providers() { return kProviders; }

const Provider* find_provider(std::string_view name) {
  const auto* const found =
      std::find_if(std::begin(kProviders), std::end(kProviders), [&](const Provider& p) { return p.name == name; });
  return found == std::end(kProviders) ? nullptr : found;
}

const Provider* recognise_provider(std::string_view host) {
  for (const Provider& provider : kProviders) {
    if (std::any_of(provider.hosts.begin(), provider.hosts.end(), [&](Host h) { return names(h, host); })) {
      return &provider;
    }
  }
  return nullptr;
}

const Provider* provider_of(std::string_view written, std::string_view host) {
  return written.empty() ? recognise_provider(host) : find_provider(written);
}

}  // namespace relaypipe
