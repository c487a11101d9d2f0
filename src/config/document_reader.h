#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/configuration.h"
#include "config/document.h"
#include "config/setting_keys.h"
#include "relay/relay_settings.h"
#include "relay/run_settings.h"

namespace relaypipe {

/// The sorts of tables a configuration has; each has keys of its own.
enum class SectionKind { Top, Defaults, Relay, Chain, Oauth2, Fleet };

/// The entry of a table with that key, or nullptr.
const DocumentEntry* find_entry(const DocumentTable& table, std::string_view key);

/// The keys of such a table, without those of the settings table.
std::span<const std::string_view> section_keys(SectionKind kind);

/// One table of one file on its way into a value, and the place its problems are told from.
class Section {
 public:
  /// `document` and `problems` outlive it. `name` is empty where the kind has only one table.
  Section(const Document& document, SectionKind kind, std::string_view name, Place at,
          std::vector<ConfigProblem>& problems)
      : document_(document), kind_(kind), name_(name), at_(at), problems_(problems) {}

  /// A table inside this one, such as `[relay.ses.oauth2]`.
  [[nodiscard]] Section nested(SectionKind kind, Place at) const { return {document_, kind, name_, at, problems_}; }

  /// `[relay.ses]`; nothing at the top of the file.
  [[nodiscard]] std::string label() const;

  /// A place in its file.
  [[nodiscard]] Position position(Place at) const { return document_.position(at); }

  /// A problem of the table as a whole.
  void error(std::string_view text) const;
  /// A problem of one key: `[relay.ses] weight: …`.
  void error(Place at, std::string_view key, std::string_view text) const;
  /// A problem whose text names its key already.
  void error_line(Place at, std::string_view text) const;
  /// A type that the key does not take: `weight: this is an array; write …`.
  void wrong_type(const DocumentEntry& entry, std::string_view form) const;
  void wrong_type(Place at, std::string_view key, const DocumentValue& value, std::string_view form) const;
  /// A key that does not belong here: where it belongs, or the nearest one that does.
  void unknown_key(const DocumentEntry& entry) const;

  // The value of an entry as the type that is wanted; anything else is reported with `form`, the form that is right.
  const std::string* text(const DocumentEntry& entry, std::string_view form) const;
  const DocumentTable* table(const DocumentEntry& entry, std::string_view form) const;
  const DocumentArray* array(const DocumentEntry& entry, std::string_view form) const;
  /// A string or a whole number, as text.
  std::optional<std::string> number(const DocumentEntry& entry, std::string_view form) const;
  /// One element of an array, or one value of a table, that has to be a string.
  const std::string* word(const DocumentValue& value, std::string_view key, std::string_view form) const;

  /// Whether a key of the settings table may stand here.
  [[nodiscard]] bool takes(const SettingKey& key) const;
  /// Applies such a key. The text forms are those of the command line, so there is one parser per value.
  void apply(const SettingKey& key, const DocumentEntry& entry, RunSettings& run, RelaySettings& relay) const;
  /// The same in the table of one relay, where no key of the run may stand.
  void apply(const SettingKey& key, const DocumentEntry& entry, RelaySettings& relay) const;

 private:
  void report(Place at, std::string text) const;
  template <class... Halves>
  void apply_to(const SettingKey& key, const DocumentEntry& entry, Halves&... halves) const;

  const Document& document_;
  SectionKind kind_;
  std::string_view name_;
  Place at_;
  std::vector<ConfigProblem>& problems_;
};

/// What is wrong with the name of a relay or a chain, as the end of a sentence that begins with the name.
std::optional<std::string> name_problem(std::string_view name);

/// An error of parse_nexthop() without counting where only one destination was written.
std::string alone(std::string_view error);

/// Whether `text` is written as only a destination can be: with a bracket, a colon or a dot.
bool like_destination(std::string_view text);

/// `; did you mean NAME?` with the nearest of `known`, or `; ` and `otherwise`.
std::string suggestion(std::string_view word, std::span<const std::string_view> known, std::string_view otherwise);

}  // namespace relaypipe
