#include "route/policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "base/text.h"
#include "config/nexthop.h"

namespace relaypipe {
namespace {

/// The value of the first `action=` line before the empty line.
Result<std::string_view, std::string> action_of(std::string_view answer) {
  while (true) {
    const std::size_t end = answer.find('\n');
    if (end == answer.npos) return fail(std::string("the answer does not end in an empty line"));
    const std::string_view line = trimmed(answer.substr(0, end));
    if (line.empty()) return fail(std::string("the answer holds no action"));
    if (lower(line.substr(0, 7)) == "action=") return trimmed(line.substr(7));
    answer.remove_prefix(end + 1);
  }
}

/// `DEFER [D.S.N] text` and `REJECT [D.S.N] text`; a status of the wrong class is replaced.
Stop stop(std::string_view words, EnhancedStatus fallback) {
  const auto status = parse_enhanced_status(words);
  if (status) words = trimmed(words.substr(std::min(words.find_first_of(kWhitespace), words.size())));
  const std::string text = words.empty() ? "refused by policy" : printable(words);
  return {status && status->klass == fallback.klass ? *status : fallback, text};
}

}  // namespace

std::string policy_request(const Envelope& envelope, std::string_view nexthop) {
  std::string request;
  const auto attribute = [&](std::string_view name, std::string_view value) {
    request += fmt::format("{}={}\n", name, printable(value));
  };
  const bool single = envelope.recipients.size() == 1;
  attribute("request", "smtpd_access_policy");
  attribute("protocol_state", "RCPT");
  attribute("protocol_name", envelope.client.protocol);
  attribute("helo_name", envelope.client.helo);
  attribute("queue_id", envelope.queue_id);
  attribute("instance", envelope.queue_id);
  attribute("sender", envelope.sender.text());
  // As Postfix does at END-OF-MESSAGE: with several recipients only their number is told.
  attribute("recipient", single ? envelope.recipients.front().text() : "");
  attribute("recipient_count", fmt::format("{}", envelope.recipients.size()));
  attribute("client_address", envelope.client.address);
  attribute("client_name", envelope.client.name);
  attribute("client_port", envelope.client.port);
  attribute("sasl_username", envelope.client.sasl_username);
  attribute("size", fmt::format("{}", envelope.announced_size.value_or(0)));
  attribute("relaypipe_nexthop", nexthop);
  return request + "\n";
}

Result<PolicyDecision, std::string> parse_policy_answer(std::string_view answer, const Configuration& configuration,
                                                        const ServicePort& service) {
  const auto action = action_of(answer);
  if (!action) return fail(action.error());
  const std::string_view verb = action->substr(0, action->find_first_of(kWhitespace));
  const std::string_view rest = trimmed(action->substr(verb.size()));
  const std::string word = lower(verb);
  if (word == "dunno" || word == "ok") return PolicyDecision(UseChain{});
  if (word == "defer" || word == "defer_if_permit") return PolicyDecision(stop(rest, {4, 7, 1}));
  if (word == "reject") return PolicyDecision(stop(rest, {5, 7, 1}));
  const std::string nexthop(*action);
  const auto found = find_nexthop(configuration, nexthop, service);
  if (!found) {
    return fail(fmt::format("\"{}\" is neither DUNNO, DEFER or REJECT, nor a chain, nor a list of destinations",
                            clip(printable(nexthop), 100)));
  }
  return PolicyDecision(UseNexthop{found->chain != nullptr ? found->chain->name : nexthop});
}

}  // namespace relaypipe
