#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "relay/settings.h"

namespace relaypipe {

/// Where a key may stand: at the top of a configuration file, in `[defaults]` and `[relay.NAME]`, or in all of them.
/// What concerns the safety of one relay's account stands in the `[relay.NAME]` of that relay alone, and not on the
/// command line.
enum class SettingScope { Global, Relay, Everywhere, OwnRelay };

/// Which sort of value a key takes, and so which types of a configuration file; text it takes always.
enum class SettingKind { TimeSpan, Count, Octets, Choice, YesNo, List, Text };

/// One key: how an administrator writes it (`-o name=value` on the command line; the same key in a configuration file).
struct SettingKey {
  std::string_view name;
  SettingScope scope;
  SettingKind kind;
  std::string_view form;  ///< what values look like, for error texts and `--help`: "duration such as 2s", "none, may,
                          ///< encrypt or verify"
  std::string_view help;  ///< one short phrase
  /// Sets the value, or returns what is wrong with it (then nothing was changed). The text names neither key nor place.
  std::optional<std::string> (*apply)(Settings&, std::string_view value);
};

/// All keys, in the order in which the manual lists them.
std::span<const SettingKey> settings_table();

/// The key of that name, or nullptr.
const SettingKey* find_setting(std::string_view name);

/// Applies one `name=value`. The error names the key, the value, what is allowed, and for an unknown key the nearest
/// known one.
std::optional<std::string> apply_setting(Settings& settings, std::string_view assignment);

/// Settings that are right by themselves and contradict each other.
struct SettingsProblem {
  std::string text;                      ///< begins with the first of the keys
  std::array<std::string_view, 2> keys;  ///< any of them may have made it; the first is the one to look at
  bool operator==(const SettingsProblem&) const = default;
};

/// What is wrong between settings, e.g. two bind addresses of one IP version; empty when nothing is.
std::vector<SettingsProblem> settings_problems(const Settings& settings);

}  // namespace relaypipe
