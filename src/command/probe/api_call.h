#pragma once

#include <optional>
#include <string>

#include "base/secret.h"
#include "deliver/http_exchange.h"
#include "deliver/https_services.h"
#include "http/provider_api.h"
#include "relay/relay.h"
#include "verdict/attempt_result.h"

namespace relaypipe {

/// The request that shows whether a provider's interface takes our credentials; it sends no mail.
class ApiCall {
 public:
  /// The session is ready. The references outlive it.
  ApiCall(Session& session, const Peer& peer, const Relay& relay, const HttpsServices& https);

  /// What it showed.
  struct Result {
    std::string words;                     ///< what the interface says of the account
    std::optional<AttemptResult> failure;  ///< why it would take no mail
    std::string clock = {};                ///< what is wrong with this machine's; else empty
  };
  /// Does what can be done now. The result comes once.
  std::optional<Result> step();

 private:
  [[nodiscard]] Result judge(const HttpAnswer& answer) const;

  Session& session_;
  const HttpsServices& https_;
  const ProviderApi& api_;
  HttpRequest request_;
  RequestBody body_;
  Secret head_;
  HttpExchange exchange_;
};

}  // namespace relaypipe
