#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "relay/relay_settings.h"
#include "relay/run_settings.h"

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
  /// What sets the value: in the settings of the run for the scope Global, in those of a relay for all others.
  using OfRun = std::optional<std::string> (*)(RunSettings&, std::string_view value);
  using OfRelay = std::optional<std::string> (*)(RelaySettings&, std::string_view value);
  std::variant<OfRun, OfRelay> setter;

  /// Sets the value, or returns what is wrong with it (then nothing was changed). The text names neither key nor place.
  std::optional<std::string> apply(RunSettings& run, RelaySettings& relay, std::string_view value) const;
  /// The same for the settings of one relay; a key of the run sets nothing.
  std::optional<std::string> apply(RelaySettings& relay, std::string_view value) const;
};

/// All keys, in the order in which the manual lists them.
std::span<const SettingKey> settings_table();

/// The key of that name, or nullptr.
const SettingKey* find_setting(std::string_view name);

/// Applies one `name=value`. The error names the key, the value, what is allowed, and for an unknown key the nearest
/// known one.
std::optional<std::string> apply_setting(RunSettings& run, RelaySettings& relay, std::string_view assignment);

/// Applies the assignment to the settings of one relay; one of a key of the run changes nothing.
std::optional<std::string> apply_setting(RelaySettings& relay, std::string_view assignment);

}  // namespace relaypipe
