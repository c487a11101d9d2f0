// What an HTTPS interface answers, whatever it says: it is parsed, read and judged.
#include <string>
#include <string_view>
#include <variant>

#include "fuzz.h"
#include "http/provider_api.h"
#include "io/base/json_reader.h"
#include "io/pcre_matcher.h"
#include "verdict/answer_rules.h"

namespace {

using namespace relaypipe;

// 2015-08-30T12:36:00Z
constexpr WallTime kNow{std::chrono::seconds(1440938160)};

struct Read {
  std::optional<HttpAnswer> answer;
  std::string fault;
  std::size_t taken = 0;
};

Read read(std::string_view octets, std::size_t piece) {
  HttpAnswerParser parser;
  Read result;
  while (!octets.empty()) {
    const std::string_view part = octets.substr(0, piece);
    const std::size_t taken = parser.feed(part);
    must(taken <= part.size(), "no more is taken than there is");
    result.taken += taken;
    octets.remove_prefix(part.size());
    if (taken < part.size()) break;
  }
  parser.end();
  result.fault = parser.fault();
  result.answer = parser.take();
  must(result.answer.has_value() == result.fault.empty(), "an answer or a fault", result.fault);
  return result;
}

void check_refusal(const ApiRefusal& refusal, std::string_view provider) {
  must_be_line(refusal.text());
  must(!refusal.wait || (*refusal.wait > Duration::zero() && *refusal.wait <= std::chrono::hours(24 * 7)),
       "no wait is endless", refusal.text());
  PcreMatcher matcher;
  RelayRules rules;
  rules.provider = provider;
  const Classification classification = classify_refusal(refusal, rules, matcher);
  const bool hard = classification.severity == Severity::Hard;
  must(!hard || (refusal.status / 100 == 4 && classification.scope == Scope::Message),
       "only what names the message is final", classification.rule);
  must(classification.status.klass == (hard ? 5 : 4), "the status fits the severity", classification.rule);
}

void check_outcome(const ProviderApi& api, const HttpAnswer& answer) {
  const Credentials nobody;
  const ApiOutcome outcome = read_outcome(api, answer, {nobody, kNow, read_json});
  if (const auto* const accepted = std::get_if<ApiAccepted>(&outcome)) {
    must(answer.status / 100 == 2, "only 2xx is taken", accepted->words);
    must_be_line(accepted->words);
  }
  if (const auto* const unknown = std::get_if<ApiUnknown>(&outcome)) must_be_line(unknown->what);
  if (const auto* const refusal = std::get_if<ApiRefusal>(&outcome)) check_refusal(*refusal, api.provider);
  must_be_line(read_ask(api, answer, {nobody, kNow, read_json}).words);
}

}  // namespace

/// The first octet chooses the provider, so that seeds stay readable.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto apis = provider_apis();
  const ProviderApi& api = apis[data[0] % apis.size()];
  const std::string octets(data + 1, data + size);
  const Read whole = read(octets, octets.size());
  const Read single = read(octets, 1);
  must(whole.fault == single.fault && whole.taken == single.taken, "every split gives the same", whole.fault);
  if (!whole.answer) {
    must_be_line(whole.fault);
    return 0;
  }
  must(whole.answer->body == single.answer->body && whole.answer->fields == single.answer->fields,
       "every split gives the same answer");
  must(whole.answer->body.size() <= kAnswerBodyOctets, "a body is bounded");
  check_outcome(api, *whole.answer);
  return 0;
}
