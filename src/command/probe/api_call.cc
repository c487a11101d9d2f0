#include "command/probe/api_call.h"

#include <utility>

#include "deliver/http_attempt.h"

namespace relaypipe {
namespace {

/// The configuration has made sure that there is one.
const ProviderApi& api_of(const Relay& relay) { return *find_provider_api(relay.provider); }

/// A request without a message is always read.
Secret head_of(const Relay& relay, const Peer& peer, const HttpRequest& request, RequestBody& body,
               const Credentials& credentials, const HttpsServices& https) {
  const std::string host = host_field(relay, peer);
  auto head = make_head(api_of(relay), request, body, {host, credentials, relay.https, https.now(), https.sha256});
  return head ? *std::move(head) : Secret();
}

}  // namespace

ApiCall::ApiCall(Session& session, const Peer& peer, const Relay& relay, const HttpsServices& https)
    : session_(session),
      https_(https),
      api_(api_of(relay)),
      request_(api_.ask(relay.https)),
      body_(request_, nullptr),
      head_(head_of(relay, peer, request_, body_, *session.credentials(), https)),
      exchange_(session, peer, head_, body_, nullptr) {}

std::optional<ApiCall::Result> ApiCall::step() {
  while (exchange_.send(true)) {
  }
  while (exchange_.receive() && exchange_.fault().empty()) {
    if (const auto answer = exchange_.take_answer()) return judge(*answer);
    if (exchange_.lost()) break;
  }
  if (!exchange_.fault().empty()) return Result{"", ProtocolError{Stage::Request, exchange_.redact(exchange_.fault())}};
  if (exchange_.lost()) return Result{"", Lost{Stage::Request, Loss::Closed}};
  return std::nullopt;
}

ApiCall::Result ApiCall::judge(const HttpAnswer& answer) const {
  AskOutcome outcome = read_ask(api_, answer, {*session_.credentials(), https_.now(), https_.read_json});
  const std::string words = exchange_.redact(outcome.words);
  if (outcome.trouble) {
    exchange_.redact(*outcome.trouble);
    return {words, *std::move(outcome.trouble), outcome.clock};
  }
  if (!outcome.authenticated)
    return {words, SessionFailure{Stage::Request, SessionError::AuthRefused, words}, outcome.clock};
  if (!outcome.may_send)
    return {words, SessionFailure{Stage::Request, SessionError::Misconfigured, words}, outcome.clock};
  return {words, std::nullopt, outcome.clock};
}

}  // namespace relaypipe
