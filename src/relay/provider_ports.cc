#include "relay/provider_ports.h"

#include <algorithm>
#include <array>

namespace relaypipe {
namespace {

constexpr std::array<ProviderPort, 3> kBrevo{{{587}, {2525}, {465, true}}};
constexpr std::array<ProviderPort, 1> kImplicit{{{465, true}}};
constexpr std::array<ProviderPort, 2> kMailjet{{{587}, {2525}}};
constexpr std::array<ProviderPort, 4> kMailgun{{{587}, {2525}, {465, true}, {25}}};
constexpr std::array<ProviderPort, 2> kOci{{{587}, {25}}};
constexpr std::array<ProviderPort, 3> kPostmark{{{587}, {2525}, {25}}};
constexpr std::array<ProviderPort, 4> kSmtp2go{{{587}, {2525}, {8025}, {25}}};
constexpr std::array<ProviderPort, 2> kSparkpost{{{587}, {2525}}};
constexpr std::array<ProviderPort, 2> kSubmission{{{587}, {465, true}}};
// STARTTLS, and TLS from the first octet, each with a second port.
constexpr std::array<ProviderPort, 5> kTwice{{{587}, {2587}, {465, true}, {2465, true}, {25}}};

// clang-format off
constexpr ProviderPorts kPorts[] = {
    {"brevo", kBrevo, "https://developers.brevo.com/docs/smtp-integration"},
    {"cloudflare", kImplicit, "https://developers.cloudflare.com/email-service/api/send-emails/smtp/"},
    {"mailgun", kMailgun, "https://documentation.mailgun.com/ (Send via SMTP)"},
    {"mailjet", kMailjet, "https://cloud.google.com/compute/docs/tutorials/sending-mail/using-mailjet"},
    {"mandrill", kSubmission, "programs that use it"},
    {"oci", kOci, "https://docs.oracle.com/iaas/Content/Email/Tasks/configuresmtpconnection.htm"},
    {"postmark", kPostmark, "https://postmarkapp.com/support/article/811-what-are-the-smtp-details-api-tokens-i-should-be-using"},
    {"resend", kTwice, "https://resend.com/docs/send-with-smtp"},
    {"scaleway", kTwice, "https://www.scaleway.com/en/docs/transactional-email/"},
    {"sendgrid", kMailgun, "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api"},
    {"ses", kTwice, "https://docs.aws.amazon.com/ses/latest/dg/smtp-connect.html"},
    {"smtp2go", kSmtp2go, "programs that use it"},
    {"sparkpost", kSparkpost, "https://developers.sparkpost.com/api/smtp/"},
    {"zeptomail", kSubmission, "programs that use it"},
};
// clang-format on

}  // namespace

std::span<const ProviderPorts> provider_ports() { return kPorts; }

const ProviderPorts* find_provider_ports(std::string_view provider) {
  const auto* const found = std::find_if(std::begin(kPorts), std::end(kPorts),
                                         [&](const ProviderPorts& ports) { return ports.provider == provider; });
  return found == std::end(kPorts) ? nullptr : found;
}

}  // namespace relaypipe
