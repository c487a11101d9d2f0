#include "postfix/judge_main.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/printable.h"
#include "relay/relay_settings.h"

namespace relaypipe {
namespace {

/// One parameter of smtp(8), and what stands for it here.
struct Counterpart {
  std::string_view parameter;
  std::string_view words;
  bool (*followed)(std::string_view value, const Configuration& configuration);  ///< nullptr: there is none
};

/// What a level of smtp_tls_security_level asks for at the least.
TlsLevel level_of(std::string_view value) {
  if (value == "may") return TlsLevel::May;
  if (value == "encrypt") return TlsLevel::Encrypt;
  return value.empty() || value == "none" ? TlsLevel::None : TlsLevel::Verify;
}

bool follows_level(std::string_view value, const Configuration& configuration) {
  const TlsLevel wanted = level_of(value);
  return configuration.relay_defaults.tls >= wanted &&
         std::all_of(configuration.relays.begin(), configuration.relays.end(),
                     [&](const auto& relay) { return relay.second.settings.tls >= wanted; });
}

bool has_accounts(std::string_view, const Configuration& configuration) {
  return !configuration.relay_defaults.password_map.empty() ||
         std::any_of(configuration.relays.begin(), configuration.relays.end(),
                     [](const auto& relay) { return relay.second.account.any(); });
}

bool has_source_address(std::string_view, const Configuration& configuration) {
  return !configuration.relay_defaults.bind_address.empty();
}

bool discards_keywords(std::string_view, const Configuration& configuration) {
  return !configuration.relay_defaults.discard_ehlo_keywords.empty() ||
         std::any_of(configuration.relays.begin(), configuration.relays.end(),
                     [](const auto& relay) { return !relay.second.settings.discard_ehlo_keywords.empty(); });
}

constexpr std::array<Counterpart, 8> kCounterparts = {{
    {"smtp_tls_security_level", "write tls = \"...\" into [defaults] of relaypipe.toml, or -o tls=... into argv",
     follows_level},
    {"smtp_sasl_password_maps", "write password_map = \"FILE\" into [defaults]; FILE is the text that postmap reads",
     has_accounts},
    {"smtp_bind_address", "write bind_address = \"...\" into [defaults]", has_source_address},
    {"smtp_bind_address6", "write bind_address = \"...\" into [defaults]", has_source_address},
    {"smtp_generic_maps", "relaypipe changes no address; sender_canonical_maps works before it", nullptr},
    {"smtp_header_checks", "relaypipe changes no header; header_checks works before it", nullptr},
    {"smtp_body_checks", "relaypipe changes no content; body_checks works before it", nullptr},
    {"smtp_discard_ehlo_keywords", "write discard_ehlo_keywords = \"...\" into [defaults] or into a relay",
     discards_keywords},
}};

}  // namespace

std::vector<std::string> client_parameters() {
  std::vector<std::string> names;
  names.reserve(kCounterparts.size());
  for (const Counterpart& each : kCounterparts)
    names.emplace_back(each.parameter);
  return names;
}

std::vector<PostfixFinding> judge_client_parameters(const std::vector<PostfixPair>& set,
                                                    const Configuration& configuration) {
  std::vector<PostfixFinding> findings;
  for (const Counterpart& each : kCounterparts) {
    const std::string value = value_of(set, each.parameter);
    if (value.empty() || (each.followed != nullptr && each.followed(value, configuration))) continue;
    findings.push_back({PostfixFinding::Severity::Warning, std::string(each.parameter),
                        fmt::format("{} holds for smtp(8) and not for relaypipe: {}", printable(value), each.words),
                        ""});
  }
  return findings;
}

}  // namespace relaypipe
