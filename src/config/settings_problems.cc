#include "config/settings_problems.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "relay/host.h"
#include "relay/units.h"

namespace relaypipe {

std::vector<SettingsProblem> settings_problems(const RelaySettings& settings) {
  std::vector<SettingsProblem> problems;
  for (const IpVersion version : {IpVersion::V4, IpVersion::V6}) {
    const std::string_view label = version == IpVersion::V4 ? "IPv4" : "IPv6";
    std::vector<std::string> bound = settings.bind_address;
    std::erase_if(bound, [&](const std::string& address) { return address_version(address) != version; });
    if (bound.size() > 1) {
      problems.push_back({fmt::format("bind_address: {} are {} addresses; write at most one per IP version",
                                      fmt::join(bound, " and "), label),
                          {"bind_address", "bind_address"}});
    }
    if (!bound.empty() && settings.ip != IpVersion::Any && settings.ip != version) {
      problems.push_back({fmt::format("bind_address: {} is an {} address, but ip excludes those", bound[0], label),
                          {"bind_address", "ip"}});
    }
  }
  if (settings.cool_down.most < settings.cool_down.least) {
    problems.push_back(
        {fmt::format("cool_down_max: {} is less than cool_down, {}; write at least that",
                     format_duration(settings.cool_down.most), format_duration(settings.cool_down.least)),
         {"cool_down_max", "cool_down"}});
  }
  return problems;
}

}  // namespace relaypipe
