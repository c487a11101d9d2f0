// A configuration file: its own administrator's mistakes, and whatever a broken editor or disk makes of it.
#include <string>
#include <vector>

#include "config/configuration.h"
#include "config/limit_text.h"
#include "config/settings_problems.h"
#include "fuzz.h"
#include "io/toml_document.h"

namespace {

using namespace relaypipe;

const std::string kFile = "relaypipe.toml";
const ServicePort kService = fuzzed_port;

bool one_destination(const std::string& text) {
  const auto list = parse_nexthop(text, kService);
  return list && list->size() == 1;
}

void check_limits(const RelayConfig& relay) {
  for (const LimitRule& rule : relay.limits.rules) {
    must(rule.count > 0, "a limit lets something through", rule.text);
    must((rule.period == Period::Rolling) == (rule.window > Span(0)), "only a span that rolls has a length", rule.text);
    must(!rule.is_rate || rule.period == Period::Rolling, "a rate rolls", rule.text);
    must(rule.zone.find('.') == rule.zone.npos && !rule.zone.starts_with('/'), "a zone is no path", rule.zone);
    must(rule.is_rate || relay.limits.reserve.kept_of(rule.count) < rule.count, "a reserve is a part", rule.text);
    const auto again = parse_limit(rule.text);
    must(again && again->count == rule.count && again->window == rule.window, "a limit is what its text says",
         rule.text);
  }
  must((relay.limits.reserve.percent == 0) == relay.limits.reserve.senders.empty(), "a reserve is whole", relay.name);
}

void check_relay(const RelayConfig& relay) {
  must(!relay.destination.host.empty(), "a good relay has a host", relay.name);
  must(relay.weight <= 1000, "a good relay has a weight in bounds", relay.name);
  must(!relay.destination.implicit_tls || relay.settings.tls >= TlsLevel::Encrypt, "implicit TLS is TLS", relay.name);
  must(settings_problems(relay.settings).empty(), "a good relay has settings that agree", relay.name);
  check_limits(relay);
}

void check_chain(const Configuration& configuration, const ChainConfig& chain) {
  must(!chain.tiers.empty(), "a good chain has tiers", chain.name);
  std::vector<std::vector<std::string>> tiers = chain.tiers;
  if (!chain.fallback.empty()) tiers.push_back(chain.fallback);
  for (const auto& tier : tiers) {
    must(!tier.empty(), "a good tier has relays", chain.name);
    for (const std::string& name : tier) {
      must(configuration.relay(name) != nullptr || one_destination(name), "what is in a tier is a relay", name);
    }
  }
  for (const auto* rules : {&chain.by_sender, &chain.by_recipient}) {
    for (const ChainRule& rule : *rules) {
      must(configuration.chain(rule.nexthop) != nullptr || parse_nexthop(rule.nexthop, kService), "a rule leads on",
           rule.nexthop);
    }
  }
}

/// How far rules lead from chain to chain. With a circle it would never end.
void follow(const Configuration& configuration, const ChainConfig& chain, std::size_t left) {
  must(left > 0, "rules do not lead in a circle", chain.name);
  for (const auto* rules : {&chain.by_sender, &chain.by_recipient}) {
    for (const ChainRule& rule : *rules) {
      const ChainConfig* const next = configuration.chain(rule.nexthop);
      if (next != nullptr) return follow(configuration, *next, left - 1);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<ConfigProblem> problems;
  std::vector<Document> documents;
  auto document = parse_document({reinterpret_cast<const char*>(data), size}, kFile, problems);
  must(document || !problems.empty(), "what cannot be read is a problem");
  if (document) documents.push_back(*std::move(document));
  const Configuration configuration = read_configuration(documents, kService, {}, problems);
  for (const ConfigProblem& problem : problems) {
    must_be_line(problem.line());
    must(problem.at.file == kFile && problem.at.line > 0, "a problem has its place", problem.line());
  }
  if (first_error(problems) != nullptr) return 0;
  for (const auto& [name, relay] : configuration.relays) {
    check_relay(relay);
  }
  for (const auto& [name, chain] : configuration.chains) {
    check_chain(configuration, chain);
    follow(configuration, chain, configuration.chains.size() + 1);
  }
  return 0;
}
