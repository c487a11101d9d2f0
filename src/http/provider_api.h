#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "base/wall_time.h"
#include "http/api_input.h"
#include "http/api_outcome.h"
#include "http/http_answer.h"
#include "http/http_request.h"
#include "http/json_members.h"

namespace relaypipe {

/// How a provider's interface is told who asks.
enum class ApiAuth {
  Basic,   ///< username and password (RFC 7617); no username: `api`
  Bearer,  ///< an access token (RFC 6750)
  SigV4,   ///< Amazon's Signature Version 4: an access key id as username, its secret, perhaps a session token
};

/// One provider's interface that takes a message as it is. All that is known of one is its file: these functions, and
/// what its answers mean is rows in verdict/answer_rows.cc.
struct ProviderApi {
  std::string_view provider;                      ///< as in relay/provider.h
  std::string_view host;                          ///< `REGION` in it stands for HttpsSettings::region
  std::span<const std::string_view> other_hosts;  ///< the same interface elsewhere, in the same form
  std::string_view needs;  ///< the key of HttpsSettings that has to be there: `region`, `domain`, `mailbox`; or none
  ApiAuth auth;
  std::uint64_t max_size;  ///< octets of the message as it is coded in the body
  BodyCoding coding;
  std::size_t max_recipients;
  bool recipients_in_header;  ///< it writes to To, Cc and Bcc of the message, and to nobody else
  bool takes_null_sender;
  std::string_view token_scope;  ///< OAuth2, where it differs from that of SMTP
  std::string_view source;       ///< the page that says so

  /// The request that carries the message. What cannot go there is found before (find_unsupported).
  HttpRequest (*send)(const ApiInput& input);
  /// A request that shows whether the credentials are taken, and sends nothing.
  HttpRequest (*ask)(const HttpsSettings& settings);
  /// What an answer that means "taken" says for the log (`MessageId 0102018f-…`), or nothing: then 2xx leaves open what
  /// happened.
  std::optional<std::string> (*accepted)(const HttpAnswer& answer, const JsonMembers& body);
  /// The reason in any other answer.
  RefusalWords (*refusal)(const HttpAnswer& answer, const JsonMembers& body);
  /// What the answer to `ask` shows.
  AskOutcome (*asked)(const HttpAnswer& answer, const JsonMembers& body);
};

/// All that are known, by name.
std::span<const ProviderApi> provider_apis();

/// Octets of the largest message, as RFC 1870 counts them.
constexpr std::uint64_t max_message(const ProviderApi& api) {
  return api.coding == BodyCoding::Base64 ? api.max_size / 4 * 3 : api.max_size;
}

/// The interface of that provider, or nullptr.
const ProviderApi* find_provider_api(std::string_view provider);

/// The host of an interface for an account; empty where a region is needed and not there.
std::string api_host(const ProviderApi& api, const HttpsSettings& settings);

/// The interface at a host in lower case, and the region in its name (`email.eu-west-1.amazonaws.com`); nullptr where
/// it is none.
struct RecognisedApi {
  const ProviderApi* api = nullptr;
  std::string region;
};
RecognisedApi recognise_api(std::string_view host);

/// Why this message cannot go by the interface, or nothing.
std::optional<ApiUnsupported> find_unsupported(const ProviderApi& api, const ApiInput& input);

/// The request that carries the message.
HttpRequest make_send_request(const ProviderApi& api, const ApiInput& input);

/// The head of a request of this interface, signed or with its token. The body is read once for its digest where the
/// interface signs (then rewound). An error is a phrase: the message cannot be read any more.
Result<Secret, std::string> make_head(const ProviderApi& api, const HttpRequest& request, RequestBody& body,
                                      const ApiCaller& caller);

/// What answers are read with.
struct AnswerReading {
  const Credentials& sent;  ///< by the request; an answer that repeats it (Amazon's do) does not bring it into the log
  WallTime now;
  ReadJson read_json;
};

/// What an answer to a request that carries the message means for it.
ApiOutcome read_outcome(const ProviderApi& api, const HttpAnswer& answer, const AnswerReading& reading);

/// What an answer to ProviderApi::ask shows.
AskOutcome read_ask(const ProviderApi& api, const HttpAnswer& answer, const AnswerReading& reading);

}  // namespace relaypipe
