#pragma once

#include <string>

namespace relaypipe {

/// What a provider's HTTPS interface has to know of an account, beside its credentials. Each is for one provider or
/// two (ProviderApi::needs), and empty where it is not written.
struct HttpsSettings {
  std::string region;   ///< Amazon's name of a region, such as `eu-west-1`; empty: as the host's name says
  std::string domain;   ///< the sending domain of the account (Mailgun)
  std::string mailbox;  ///< the user whose mailbox sends, by address or id (Microsoft Graph)
};

}  // namespace relaypipe
