#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "relay/relay_settings.h"

namespace relaypipe {

/// Settings that are right by themselves and contradict each other.
struct SettingsProblem {
  std::string text;                      ///< begins with the first of the keys
  std::array<std::string_view, 2> keys;  ///< any of them may have made it; the first is the one to look at
  bool operator==(const SettingsProblem&) const = default;
};

/// What is wrong between the settings of a relay, e.g. two bind addresses of one IP version; empty when nothing is.
std::vector<SettingsProblem> settings_problems(const RelaySettings& settings);

}  // namespace relaypipe
