// What a policy server answers, and what it is asked: attributes of a stranger's message.
#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "fuzz.h"
#include "route/policy.h"

namespace {

using namespace relaypipe;

Configuration configuration() {
  Configuration made;
  made.chains["outbound"].name = "outbound";
  return made;
}

std::string in_words(const PolicyDecision& decision) {
  if (const auto* const use = std::get_if<UseNexthop>(&decision)) return "use " + use->nexthop;
  if (const auto* const stop = std::get_if<Stop>(&decision)) return stop->status.text() + " " + stop->text;
  return "dunno";
}

void check(const PolicyDecision& decision, const Configuration& known, const std::string& answer) {
  if (const auto* const use = std::get_if<UseNexthop>(&decision)) {
    must(known.chain(use->nexthop) != nullptr || parse_nexthop(use->nexthop, fuzzed_port), "a nexthop leads on",
         use->nexthop);
  }
  if (const auto* const stop = std::get_if<Stop>(&decision)) {
    must(stop->status.klass == 4 || stop->status.klass == 5, "a stop is no success", answer);
    must(stop->text.find_first_of("\r\n") == std::string::npos && !stop->text.empty(), "a stop has one line", answer);
    const bool reject = answer.find("reject") != answer.npos || answer.find("REJECT") != answer.npos ||
                        std::any_of(answer.begin(), answer.end(), [](char c) { return c == 'R' || c == 'r'; });
    must(stop->status.klass == 4 || reject, "only REJECT bounces", answer);
  }
  const auto more = parse_policy_answer(answer + "action=REJECT\n\n", known, fuzzed_port);
  must(more && in_words(*more) == in_words(decision), "an answer ends at its empty line", answer);
}

/// The octets as every attribute of a request.
void check_request(const std::string& text) {
  Envelope envelope;
  envelope.queue_id = text;
  envelope.client = {text, text, text, text, text, text};
  if (auto address = parse_address(text)) envelope.recipients.push_back(*std::move(address));
  const std::string request = policy_request(envelope, text);
  must(std::count(request.begin(), request.end(), '\n') == 16, "a request has its lines and no other", request);
  must(request.ends_with("\n\n") && request.find("\n\n") == request.size() - 2, "a request ends once", request);
  must(request.find('\0') == request.npos, "a request holds no NUL", request);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Configuration kKnown = configuration();
  const std::string answer(data, data + size);
  check_request(answer);
  const auto decision = parse_policy_answer(answer, kKnown, fuzzed_port);
  if (!decision) {
    must_be_line(decision.error());
    return 0;
  }
  check(*decision, kKnown, answer);
  return 0;
}
