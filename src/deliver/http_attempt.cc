#include "deliver/http_attempt.h"

#include <fmt/format.h>

#include <limits>
#include <optional>
#include <utility>

#include "base/printable.h"
#include "deliver/http_exchange.h"
#include "deliver/step_clock.h"
#include "http/header_recipients.h"
#include "http/provider_api.h"
#include "message/edited_message.h"

namespace relaypipe {
namespace {

Duration limit_of(Stage stage, const TimeLimits& limits) {
  switch (stage) {
    case Stage::Request: return limits.mail;
    case Stage::Content: return limits.data_xfer;
    default: return limits.data_done;
  }
}

/// One exchange from its first octet to what it showed.
class HttpAttemptRun {
 public:
  HttpAttemptRun(HttpExchange& exchange, const ProviderApi& api, const Credentials& credentials,
                 const AttemptContext& context, const HttpsServices& https)
      : exchange_(exchange),
        api_(api),
        credentials_(credentials),
        context_(context),
        https_(https),
        clock_(context, limit_of) {}

  AttemptResult run() {
    restart_clock(context_.clock.now());
    while (!result_)
      step();
    return *std::move(result_);
  }
  /// Whether the connection takes another request after the answer.
  [[nodiscard]] bool keeps() const { return keeps_; }

 private:
  /// One round: send what can be sent, receive what is there, and sleep only when neither moved anything.
  void step() {
    const bool halted = context_.halted(Parent::Look::Now);
    const Stage stage = exchange_.stage();
    if (halted && !exchange_.sent()) return end_with(Aborted{stage});
    const bool sent = exchange_.send(!halted);
    const bool received = exchange_.receive();
    if (look_at_answer()) return;
    const Instant now = context_.clock.now();
    // Progress is a new stage, or content that went out; octets of an answer that drip in are none.
    if (exchange_.stage() != stage || (sent && stage == Stage::Content)) restart_clock(now);
    if (halted) clock_.shorten(now);
    if (clock_.over(now)) return time_out(now);
    if (!sent && !received) context_.event_loop.wait(clock_.wake(now, exchange_.draining()));
  }

  /// Whether there is a result.
  bool look_at_answer() {
    if (exchange_.unreadable()) end_with(Aborted{Stage::Content});
    if (auto answer = exchange_.take_answer())
      judge(*answer);
    else if (exchange_.lost())
      give_up("no answer (connection lost)", Lost{exchange_.stage(), Loss::Closed});
    else if (!exchange_.fault().empty())
      give_up_for(exchange_.redact(exchange_.fault()));
    return result_.has_value();
  }

  void judge(const HttpAnswer& answer) {
    keeps_ = answer.keeps;
    ApiOutcome outcome = read_outcome(api_, answer, {credentials_, https_.now(), https_.read_json});
    if (auto* const accepted = std::get_if<ApiAccepted>(&outcome)) {
      // Of a request that was not there yet it says nothing.
      if (!exchange_.sent()) return give_up_for("an answer to a part of the request");
      return end_with(Accepted{Reply{accepted->status, {exchange_.redact(accepted->words)}, {2, 0, 0}}});
    }
    if (auto* const refusal = std::get_if<ApiRefusal>(&outcome)) {
      exchange_.redact(*refusal);
      // Whoever has credentials that are too old shall not use them again.
      if (refusal->status == kUnauthorized || refusal->status == kForbidden) keeps_ = false;
      return end_with(std::move(*refusal));
    }
    give_up_for(exchange_.redact(std::get<ApiUnknown>(outcome).what));
  }

  /// What came is no answer, or none to this request.
  void give_up_for(const std::string& what) { give_up(what, ProtocolError{exchange_.stage(), what}); }

  /// There will be no valid answer: the message may be delivered where it has begun to leave.
  void give_up(std::string what, AttemptResult before) {
    keeps_ = false;
    if (exchange_.body_begun())
      end_with(Unconfirmed{std::move(what)});
    else
      end_with(std::move(before));
  }

  void time_out(Instant now) {
    if (exchange_.stage() == Stage::Content && exchange_.drained()) return restart_clock(now);
    give_up("no answer (timed out)", Lost{exchange_.stage(), Loss::TimedOut});
  }

  void restart_clock(Instant now) { clock_.restart(exchange_.stage(), now); }

  void end_with(AttemptResult result) { result_.emplace(std::move(result)); }

  HttpExchange& exchange_;
  const ProviderApi& api_;
  const Credentials& credentials_;
  const AttemptContext& context_;
  const HttpsServices& https_;
  std::optional<AttemptResult> result_;
  StepClock clock_;
  bool keeps_ = false;
};

/// No interface tells whether it would take a recipient; as with SMTP at a provider, the answer is yes.
AttemptOutcome verified(const Envelope& envelope, const ProviderApi& api) {
  const Reply reply{
      250, {fmt::format("2.1.5 recipients are not asked about over HTTPS at {}", api.provider)}, {2, 1, 5}};
  return {Deliverable{reply}, std::vector<Reply>(envelope.recipients.size(), reply)};
}

/// Why the message cannot go there, or nothing.
std::optional<AttemptResult> find_unsupported(const Relay& relay, const ProviderApi& api, const AttemptContext& context,
                                              const HeaderRecipients& header) {
  // Nobody knows then whether there is a Bcc.
  if (!header.problem.empty() && header.end == 0)
    return ApiUnsupported{ApiUnsupported::Why::OtherRecipients, 0, 0, header.problem};
  const ContentFacts& facts = context.message.facts();
  if (auto unfit = relaypipe::find_unsupported(api, {context.envelope, facts, header, relay.https, ""}))
    return *std::move(unfit);
  if (relay.max_size && facts.size > *relay.max_size)
    return Unsupported{Unsupported::Why::TooBig, facts.size, *relay.max_size};
  return std::nullopt;
}

}  // namespace

std::size_t most_recipients(const Relay& relay) {
  const ProviderApi* const api = relay.destination.https ? find_provider_api(relay.provider) : nullptr;
  return api == nullptr || api->recipients_in_header ? std::numeric_limits<std::size_t>::max() : api->max_recipients;
}

std::string host_field(const Relay& relay, const Peer& peer) {
  constexpr std::uint16_t kHttpsPort = 443;
  const std::string& name = relay.settings->tls_more.name.empty() ? peer.host : relay.settings->tls_more.name;
  const std::string host = name.find(':') == name.npos ? name : "[" + name + "]";
  return peer.port == kHttpsPort ? host : fmt::format("{}:{}", host, peer.port);
}

AttemptOutcome run_http_attempt(Session& session, const Peer& peer, const AttemptContext& context,
                                const HttpsServices& https) {
  const Relay& relay = context.relay;
  const ProviderApi* const api = find_provider_api(relay.provider);
  const Credentials* const credentials = session.credentials();
  // The configuration and the dialer have made sure of both.
  if (api == nullptr || credentials == nullptr)
    return {SessionFailure{Stage::Request, SessionError::Misconfigured, "internal error: no interface or credentials"}};
  const auto unused = [&](AttemptOutcome outcome) {
    session.finish(SessionEnd::Clean);
    return outcome;
  };
  if (context.goal == TransactionRequest::Goal::Verify) return unused(verified(context.envelope, *api));
  const HeaderRecipients header = read_header_recipients(context.message);
  if (auto unfit = find_unsupported(relay, *api, context, header)) return unused({*std::move(unfit)});
  const std::string boundary = https.boundary();
  const HttpRequest request =
      make_send_request(*api, {context.envelope, context.message.facts(), header, relay.https, boundary});
  EditedMessage content(context.message, header_edits(header, request.message->bcc_field));
  RequestBody body(request, &content);
  const std::string host = host_field(relay, peer);
  const auto head = make_head(*api, request, body, {host, *credentials, relay.https, https.now(), https.sha256});
  if (!head) return unused({Aborted{Stage::Request}});
  HttpExchange exchange(session, peer, *head, body, context.trace);
  HttpAttemptRun run(exchange, *api, *credentials, context, https);
  AttemptResult result = run.run();
  session.finish(exchange.end_of_session(run.keeps()));
  return {std::move(result)};
}

}  // namespace relaypipe
