#include "verdict/doubtful_acceptance.h"

namespace relaypipe {

std::optional<std::string_view> doubtful_acceptance(std::string_view provider, const Reply& reply) {
  // https://developers.cloudflare.com/email-service/api/send-emails/smtp/, "Suppressed recipients"
  if (provider == "cloudflare" && reply.text().find('<') == std::string::npos) {
    return "without a Message-ID, so every recipient may be on its suppression list, and nothing is sent to those; its "
           "sending log tells";
  }
  // https://docs.oracle.com/iaas/Content/Email/Concepts/troubleshooting.htm
  if (provider == "oci" && reply.code == 254)
    return "for a recipient on its suppression list, to whom it sends nothing";
  return std::nullopt;
}

}  // namespace relaypipe
