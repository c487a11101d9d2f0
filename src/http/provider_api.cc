#include "http/provider_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/base64.h"
#include "base/hex.h"
#include "base/printable.h"
#include "base/text.h"
#include "http/header_recipients.h"
#include "http/named_time.h"
#include "http/provider_files.h"
#include "http/sigv4.h"
#include "smtp/sasl.h"

namespace relaypipe {
namespace {

constexpr std::string_view kRegion = "REGION";
constexpr std::size_t kWordsOctets = 400;  // of what an answer says
constexpr int kGatewayTimeout = 504;

/// The region in a host that has the form, or empty; `fits` says whether it has.
std::string region_in(std::string_view host, std::string_view form, bool& fits) {
  const std::size_t mark = form.find(kRegion);
  if (mark == form.npos) {
    fits = host == form;
    return {};
  }
  const std::string_view before = form.substr(0, mark);
  const std::string_view after = form.substr(mark + kRegion.size());
  fits = host.size() > before.size() + after.size() && host.starts_with(before) && host.ends_with(after);
  if (!fits) return {};
  const std::string_view region = host.substr(before.size(), host.size() - before.size() - after.size());
  fits = region.find('.') == region.npos;
  return fits ? std::string(region) : std::string();
}

/// A secret text made of several in one piece, so that no copy is left behind by growing.
Secret joined(std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (const std::string_view part : parts)
    size += part.size();
  std::string text;
  text.reserve(size);
  for (const std::string_view part : parts)
    text += part;
  return Secret(text);
}

Secret basic_authorization(const Credentials& credentials) {
  const std::string_view user = credentials.username.empty() ? std::string_view("api") : credentials.username;
  const Secret pair = joined({user, ":", credentials.secret.reveal()});
  std::string coded = base64(pair.reveal());
  const Secret coded_pair(coded);
  return joined({"Basic ", coded_pair.reveal()});
}

/// The digest of a body in hexadecimal; empty where the message cannot be read.
std::string body_sha256(RequestBody& body, const MakeSha256& make) {
  const auto digest = make();
  for (std::string_view piece = body.next(); !piece.empty(); piece = body.next()) {
    digest->update(piece);
    body.take(piece.size());
  }
  const bool whole = body.ended();
  body.rewind();
  return whole ? hex_text(digest->finish()) : std::string();
}

/// The fields that sign a request; the last of them is Authorization.
std::vector<SecretField> signed_fields(const HttpRequest& request, const std::string& digest, const ApiCaller& caller) {
  const std::string_view token = caller.credentials.session_token.reveal();
  SigV4Request what{request.method, request.target, {{"host", std::string(caller.host)}}, digest};
  for (const HttpField& field : request.fields)
    what.fields.push_back({lower(field.name), field.value});
  what.fields.push_back({"x-amz-content-sha256", digest});
  what.fields.push_back({"x-amz-date", sigv4_time(caller.now)});
  if (!token.empty()) what.fields.push_back({"x-amz-security-token", std::string(token)});
  std::string authorization =
      sigv4_authorization(what, {caller.settings.region, "ses", caller.now}, caller.credentials.username,
                          caller.credentials.secret.reveal(), caller.sha256);
  std::vector<SecretField> fields;
  fields.push_back({"X-Amz-Content-Sha256", joined({digest})});
  fields.push_back({"X-Amz-Date", joined({sigv4_time(caller.now)})});
  if (!token.empty()) fields.push_back({"X-Amz-Security-Token", joined({token})});
  fields.push_back({"Authorization", Secret(authorization)});
  return fields;
}

/// What an answer says as one short line without the secrets of the request.
std::string shown(std::string_view words, const Credentials& sent) {
  const Secret basic = basic_authorization(sent);
  const std::string_view secrets[] = {sent.secret.reveal(), sent.session_token.reveal(), basic.reveal().substr(6)};
  const std::string text = printable(redacted(words, secrets));
  return std::string(clip(trimmed(text), kWordsOctets));
}

JsonMembers members_of(const HttpAnswer& answer, ReadJson read_json) {
  return read_json(answer.body).value_or(JsonMembers());
}

/// The reason in an answer, for the log; HTTP's own words where the provider has none.
ApiRefusal refusal_in(const ProviderApi& api, const HttpAnswer& answer, const JsonMembers& body,
                      const Credentials& sent) {
  const RefusalWords said = api.refusal(answer, body);
  ApiRefusal refusal{answer.status, shown(said.code, sent), shown(said.words, sent)};
  if (refusal.code.empty() && refusal.words.empty()) refusal.words = shown(answer.reason, sent);
  return refusal;
}

ApiUnsupported too_much(ApiUnsupported::Why why, std::uint64_t size, std::uint64_t limit, std::string text) {
  return {why, size, limit, std::move(text)};
}

/// Whom an interface that goes by the header would write to, though the envelope does not name them.
std::optional<ApiUnsupported> find_other_recipients(const ApiInput& input) {
  constexpr auto kWhy = ApiUnsupported::Why::OtherRecipients;
  if (!input.header.problem.empty()) {
    return too_much(kWhy, 0, 0, fmt::format("{}, and it goes to whom the header names", input.header.problem));
  }
  const Address* const other = find_other_recipient(input.header, input.envelope);
  if (other == nullptr) return std::nullopt;
  return too_much(kWhy, 0, 0,
                  fmt::format("its header names {}, who is not a recipient of this delivery and would get it as well; "
                              "a larger recipient_limit keeps the recipients of a message together",
                              printable(other->text())));
}

/// Amazon refuses signatures that are more than five minutes older or younger than its own time
/// (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html).
std::string clock_problem(const ProviderApi& api, const HttpAnswer& answer, WallTime now) {
  constexpr Span kAllowed = std::chrono::minutes(5);
  const auto theirs = parse_time(answer.field("date"));
  if (api.auth != ApiAuth::SigV4 || !theirs || std::chrono::abs(*theirs - now) <= kAllowed) return {};
  const auto minutes = std::chrono::round<std::chrono::minutes>(std::chrono::abs(*theirs - now)).count();
  return fmt::format(
      "the clock of this machine is {} minutes {} that of the interface, which takes no signature that is more than {} "
      "off",
      minutes, *theirs > now ? "behind" : "ahead of", kAllowed / std::chrono::minutes(1));
}

}  // namespace

std::span<const ProviderApi> provider_apis() {
  static const std::array<ProviderApi, 4> kApis{gmail_api(), graph_api(), mailgun_api(), ses_api()};
  return kApis;
}

const ProviderApi* find_provider_api(std::string_view provider) {
  const auto apis = provider_apis();
  const auto found =
      std::find_if(apis.begin(), apis.end(), [&](const ProviderApi& a) { return a.provider == provider; });
  return found == apis.end() ? nullptr : &*found;
}

std::string api_host(const ProviderApi& api, const HttpsSettings& settings) {
  const std::size_t mark = api.host.find(kRegion);
  if (mark == api.host.npos) return std::string(api.host);
  if (settings.region.empty()) return {};
  return std::string(api.host).replace(mark, kRegion.size(), settings.region);
}

RecognisedApi recognise_api(std::string_view host) {
  for (const ProviderApi& api : provider_apis()) {
    std::vector<std::string_view> forms{api.host};
    forms.insert(forms.end(), api.other_hosts.begin(), api.other_hosts.end());
    for (const std::string_view form : forms) {
      bool fits = false;
      std::string region = region_in(host, form, fits);
      if (fits) return {&api, std::move(region)};
    }
  }
  return {};
}

std::optional<ApiUnsupported> find_unsupported(const ProviderApi& api, const ApiInput& input) {
  using enum ApiUnsupported::Why;
  const std::uint64_t size = MessageInBody{api.coding}.coded_size(input.content.size);
  const std::size_t recipients = input.envelope.recipients.size();
  if (input.envelope.sender.is_null() && !api.takes_null_sender)
    return too_much(NullSender, 0, 0, "it has no sender, and this interface sends only as somebody");
  if (input.envelope.is_internationalized())
    return too_much(NotAscii, 0, 0, "an address needs SMTPUTF8, which this interface has no word for");
  if (recipients > api.max_recipients) {
    return too_much(TooManyRecipients, recipients, api.max_recipients,
                    fmt::format("{} recipients, and {} at most go at once; a recipient_limit of that many helps",
                                recipients, api.max_recipients));
  }
  if (size > api.max_size) {
    const std::uint64_t limit = max_message(api);
    return too_much(TooBig, input.content.size, limit, fmt::format("it is too big, at most {} octets go", limit));
  }
  return api.recipients_in_header ? find_other_recipients(input) : std::nullopt;
}

HttpRequest make_send_request(const ProviderApi& api, const ApiInput& input) { return api.send(input); }

Result<Secret, std::string> make_head(const ProviderApi& api, const HttpRequest& request, RequestBody& body,
                                      const ApiCaller& caller) {
  std::vector<SecretField> fields;
  if (api.auth == ApiAuth::SigV4) {
    const std::string digest = body_sha256(body, caller.sha256);
    if (digest.empty()) return fail(std::string("the message cannot be read back"));
    fields = signed_fields(request, digest, caller);
  } else if (api.auth == ApiAuth::Bearer) {
    fields.push_back({"Authorization", joined({"Bearer ", caller.credentials.secret.reveal()})});
  } else {
    fields.push_back({"Authorization", basic_authorization(caller.credentials)});
  }
  return request_head(request, caller.host, body.size(), fields);
}

std::string ApiRefusal::text() const {
  std::string line = std::to_string(status);
  if (!code.empty()) line += " " + code + (words.empty() ? "" : ":");
  return words.empty() ? line : line + " " + words;
}

ApiOutcome read_outcome(const ProviderApi& api, const HttpAnswer& answer, const AnswerReading& reading) {
  const auto& [sent, now, read_json] = reading;
  const JsonMembers body = members_of(answer, read_json);
  if (const auto words = api.accepted(answer, body)) return ApiAccepted{answer.status, shown(*words, sent)};
  ApiRefusal refusal = refusal_in(api, answer, body, sent);
  if (answer.status / 100 == 2) return ApiUnknown{fmt::format("{}, which is no receipt", refusal.text())};
  // Whoever says so has passed the message on and had no answer itself (RFC 9110 section 15.6.5).
  if (answer.status == kGatewayTimeout) return ApiUnknown{refusal.text()};
  refusal.wait = asked_wait(answer.field("retry-after"), refusal.words, now);
  return refusal;
}

AskOutcome read_ask(const ProviderApi& api, const HttpAnswer& answer, const AnswerReading& reading) {
  const auto& [sent, now, read_json] = reading;
  const JsonMembers body = members_of(answer, read_json);
  AskOutcome outcome = api.asked(answer, body);
  outcome.words = shown(outcome.words, sent);
  ApiRefusal refusal = refusal_in(api, answer, body, sent);
  const std::string said = answer.status == 200 ? "200" : refusal.text();
  const bool judged = outcome.authenticated || answer.status == kUnauthorized || answer.status == kForbidden;
  if (!judged) outcome.trouble = std::move(refusal);
  outcome.clock = clock_problem(api, answer, now);
  outcome.words = outcome.words.empty() ? said : fmt::format("{}; {}", said, outcome.words);
  return outcome;
}

}  // namespace relaypipe
