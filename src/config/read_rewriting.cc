#include "config/read_rewriting.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/printable.h"
#include "config/key_places.h"
#include "message/address.h"
#include "relay/host.h"

namespace relaypipe {
namespace {

constexpr std::string_view kForm =
    "write an address such as \"alerts@example.com\", or a table such as { \"@a.example\" = \"@b.example\" }";
constexpr std::string_view kTargetForm = "write an address such as \"alerts@example.com\", or \"@domain\"";

AddressRewriting& rewriting_of(RelayConfig& relay, std::string_view key) {
  return key == "header_from" ? relay.rewriting.header_from : relay.rewriting.envelope_sender;
}

/// What is wrong with what an address is to become, or nothing.
std::optional<std::string> target_problem(std::string_view target, std::string_view key) {
  const auto wrong = [&](std::string_view what) {
    return fmt::format("\"{}\" {}; {}", shown(target), what, kTargetForm);
  };
  const bool domain_only = target.starts_with('@');
  if (target.find('@') == target.npos) return wrong("has no domain");
  const auto address = parse_address(domain_only ? std::string("a").append(target) : std::string(target));
  if (!address) return wrong(address.error());
  const auto pattern = parse_address_pattern(target);
  if (!pattern || target.starts_with("@.")) return wrong("is not an address that mail can have");
  const bool ascii = !address->is_internationalized();
  if (key == "header_from" && !ascii) return wrong("is not ASCII; write its domain in the form xn--...");
  return std::nullopt;
}

/// The target as it is used: an address in the form of the wire.
std::string target_text(const std::string& target) {
  return target.front() == '@' ? target : parse_address(target)->text();
}

void read_rule(const Section& section, const DocumentEntry& entry, const DocumentEntry& rule,
               std::set<std::string>& patterns, AddressRewriting& rewriting) {
  const std::string* const target = section.word(rule.value, entry.key, kTargetForm);
  if (target == nullptr) return;
  auto pattern = parse_address_pattern(rule.key);
  if (!pattern) return section.error(rule.at, entry.key, pattern.error());
  if (pattern->text().empty()) {
    return section.error(rule.at, entry.key, "the null sender <> is never rewritten; leave it out");
  }
  if (!patterns.insert(pattern->text()).second) {
    return section.error(rule.at, entry.key,
                         fmt::format("\"{}\" is there already in other letter case", shown(rule.key)));
  }
  if (const auto problem = target_problem(*target, entry.key)) {
    return section.error(rule.value.at, entry.key, *problem);
  }
  rewriting.rules.push_back({*std::move(pattern), target_text(*target)});
}

/// Whether an address may match both.
bool may_meet(const AddressPattern& a, const AddressPattern& b) { return a.covers(b) || b.covers(a); }

/// Whether the relay carries mail of addresses that the pattern matches.
bool carries(const RelayConfig& relay, const AddressPattern& pattern) {
  return relay.senders.empty() || std::any_of(relay.senders.begin(), relay.senders.end(),
                                              [&](const AddressPattern& one) { return may_meet(one, pattern); });
}

bool carries_bounces_alone(const RelayConfig& relay) {
  return !relay.senders.empty() && std::all_of(relay.senders.begin(), relay.senders.end(),
                                               [](const AddressPattern& one) { return one.text().empty(); });
}

/// What makes a rule change nothing, or nothing.
std::optional<std::string> idle_rule(const RelayConfig& relay, const RewritingRule& rule, bool of_envelope) {
  const std::string target = lower(rule.target);
  if (target.front() == '@' ? rule.pattern.text().ends_with(target) : rule.pattern.text() == target) {
    return fmt::format("\"{}\" becomes itself", rule.pattern.text());
  }
  // From may have any address, whatever the envelope's sender is.
  if (!of_envelope || carries(relay, rule.pattern)) return std::nullopt;
  return fmt::format("\"{}\" is never rewritten: the senders of this relay leave it out", rule.pattern.text());
}

void find_idle(const RelayConfig& relay, std::string_view key, const AddressRewriting& rewriting,
               std::span<const Document> documents, std::vector<ConfigProblem>& problems) {
  const auto warn = [&](std::string_view what) {
    problems.push_back({ConfigProblem::Severity::Warning, key_position(documents, relay.at, key),
                        fmt::format("[relay.{}] {}: {}", shown(relay.name), key, what)});
  };
  if (!rewriting.any()) return;
  if (carries_bounces_alone(relay)) {
    return warn("the senders of this relay are <> alone, and bounces are never rewritten");
  }
  for (const RewritingRule& rule : rewriting.rules) {
    if (const auto problem = idle_rule(relay, rule, key == "envelope_sender")) warn(*problem);
  }
}

}  // namespace

bool is_rewriting_key(std::string_view key) { return key == "envelope_sender" || key == "header_from"; }

void read_rewriting_key(const Section& section, const DocumentEntry& entry, RelayConfig& relay) {
  AddressRewriting& rewriting = rewriting_of(relay, entry.key);
  if (const auto* const target = std::get_if<std::string>(&entry.value.value)) {
    if (const auto problem = target_problem(*target, entry.key)) {
      return section.error(entry.value.at, entry.key, *problem);
    }
    rewriting.all = target_text(*target);
    return;
  }
  const DocumentTable* const table = section.table(entry, kForm);
  if (table == nullptr) return;
  if (table->empty()) {
    return section.error(entry.value.at, entry.key, "the table is empty; leave the key out to rewrite nothing");
  }
  std::set<std::string> patterns;
  for (const DocumentEntry& rule : *table)
    read_rule(section, entry, rule, patterns, rewriting);
}

void find_idle_rewriting(const Configuration& configuration, std::span<const Document> documents,
                         std::vector<ConfigProblem>& problems) {
  for (const auto& [name, relay] : configuration.relays) {
    find_idle(relay, "envelope_sender", relay.rewriting.envelope_sender, documents, problems);
    find_idle(relay, "header_from", relay.rewriting.header_from, documents, problems);
  }
}

}  // namespace relaypipe
