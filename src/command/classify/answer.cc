#include "command/classify/answer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "base/text.h"
#include "http/named_time.h"
#include "http/provider_api.h"
#include "io/base/json_reader.h"

namespace relaypipe {
namespace {

constexpr int kGatewayTimeout = 504;

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

/// As the log has it: the provider's word, a colon and its sentence, or either alone.
RefusalWords read_words(std::string_view text) {
  const std::size_t colon = std::min(text.find(": "), text.size());
  const std::string_view code = text.substr(0, colon);
  if (!is_word(code)) return {"", printable(text)};
  return {std::string(code), printable(trimmed(text.substr(std::min(colon + 1, text.size()))))};
}

/// A body as the provider sends it; nothing where it is none.
std::optional<RefusalWords> read_body(int status, std::string_view text, std::string_view provider) {
  const ProviderApi* const api = find_provider_api(provider);
  const auto body = read_json(text);
  if (api == nullptr || !body || body->empty()) return std::nullopt;
  HttpAnswer answer;
  answer.status = status;
  answer.body = text;
  RefusalWords words = api->refusal(answer, *body);
  return RefusalWords{printable(words.code), printable(words.words)};
}

}  // namespace

Result<ApiRefusal, std::string> read_refusal(std::string_view status, std::string_view text, std::string_view provider,
                                             WallTime now) {
  const bool digits = status.size() == 3 && status.find_first_not_of("0123456789") == status.npos;
  if (!digits || status[0] < '2' || status[0] > '5')
    return fail(fmt::format("\"{}\" is not a status of an answer; write --http 429", printable(status)));
  const int number = std::stoi(std::string(status));
  if (number < 300) return fail(fmt::format("{} is not a refusal; only 3xx, 4xx and 5xx are judged", number));
  if (number == kGatewayTimeout) {
    return fail(
        std::string("504 leaves open whether the message was taken: it is unconfirmed, as after a dot without a "
                    "reply, and no rule is asked"));
  }
  text = trimmed(text);
  const auto body = read_body(number, text, provider);
  RefusalWords words = body ? *body : read_words(text);
  ApiRefusal refusal{number, std::move(words.code), std::move(words.words)};
  refusal.wait = asked_wait("", refusal.words, now);
  return refusal;
}

}  // namespace relaypipe
