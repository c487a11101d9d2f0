#include "relay/address_rewriting.h"

namespace relaypipe {
namespace {

/// The rule with the narrowest pattern that matches, or null.
const RewritingRule* narrowest(const std::vector<RewritingRule>& rules, std::string_view address) {
  const RewritingRule* best = nullptr;
  for (const RewritingRule& rule : rules) {
    if (!rule.pattern.matches(address)) continue;
    if (best == nullptr || rule.pattern.precision() > best->pattern.precision()) best = &rule;
  }
  return best;
}

std::string_view target_of(const AddressRewriting& rewriting, const Address& address, std::string_view delimiters) {
  if (!rewriting.all.empty()) return rewriting.all;
  const RewritingRule* best = narrowest(rewriting.rules, address.text());
  const auto plain = without_extension(address.text(), delimiters);
  const RewritingRule* const other = plain ? narrowest(rewriting.rules, *plain) : nullptr;
  const bool narrower = other != nullptr && (best == nullptr || other->pattern.precision() > best->pattern.precision());
  if (narrower) best = other;
  return best == nullptr ? std::string_view() : best->target;
}

}  // namespace

std::optional<Address> rewritten(const AddressRewriting& rewriting, const Address& address,
                                 std::string_view delimiters) {
  if (address.is_null()) return std::nullopt;
  const std::string_view target = target_of(rewriting, address, delimiters);
  if (target.empty()) return std::nullopt;
  const std::string_view local = std::string_view(address.text()).substr(0, address.text().rfind('@'));
  const auto changed = parse_address(target.front() == '@' ? std::string(local).append(target) : std::string(target));
  // A local part that leaves no room for the other domain stays where it is.
  if (!changed || *changed == address) return std::nullopt;
  return *changed;
}

}  // namespace relaypipe
