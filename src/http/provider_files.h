#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/provider_api.h"

namespace relaypipe {

inline constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20U;

/// The receipt of an interface that answers 200 with the message's id in the member `name`; else nothing.
inline std::optional<std::string> receipt(const HttpAnswer& answer, const JsonMembers& body, std::string_view name) {
  const std::string_view id = body.at(name);
  if (answer.status != 200 || id.empty()) return std::nullopt;
  return fmt::format("{} {}", name, id);
}

// One file per provider: its row of the table in provider_api.cc.

const ProviderApi& gmail_api();
const ProviderApi& graph_api();
const ProviderApi& mailgun_api();
const ProviderApi& ses_api();

}  // namespace relaypipe
