#include "config/read_reply_rules.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/printable.h"
#include "relay/reply_words.h"

namespace relaypipe {
namespace {

constexpr std::string_view kForm =
    "write an array of rules such as [{ stage = \"rcpt\", code = \"554\", means = \"quota\" }]";
constexpr std::string_view kStageForm = "write a stage such as \"rcpt\", or an array of them";
constexpr std::string_view kTextForm = "write a string";
constexpr std::array<std::string_view, 6> kKeys{"stage", "code", "status", "match", "means", "until"};
// The stages in which a relay says something; `content` counts as end_of_data.
constexpr std::array<std::string_view, 8> kStages{"greeting", "ehlo", "starttls", "auth",
                                                  "mail",     "rcpt", "data",     "end_of_data"};

/// One element on its way into a rule.
class RuleReader {
 public:
  RuleReader(const Section& section, const DocumentValue& value) : section_(section), at_(value.at) {}

  /// Nothing where something was wrong; it was reported.
  std::optional<ReplyRule> read(const DocumentTable& table) {
    for (const DocumentEntry& entry : table)
      read_key(entry);
    const bool anything = rule_.stages.empty() && rule_.code.empty() && rule_.status.empty() && rule_.match.empty();
    if (good_ && !means_) wrong(at_, "there is no means; write means = \"quota\" or another cause");
    if (good_ && anything) wrong(at_, "this rule would fit every reply; give it a stage, code, status or match");
    return good_ ? std::optional(std::move(rule_)) : std::nullopt;
  }

 private:
  void wrong(Place at, std::string_view text) {
    section_.error(at, "reply", text);
    good_ = false;
  }

  const std::string* text(const DocumentEntry& entry) {
    const std::string* const found = section_.word(entry.value, "reply: " + entry.key, kTextForm);
    if (found == nullptr) good_ = false;
    return found;
  }

  void read_key(const DocumentEntry& entry) {
    if (entry.key == "stage") return read_stages(entry.value);
    if (entry.key == "code") return read_code(entry);
    if (entry.key == "status") return read_status(entry);
    if (entry.key == "match") return read_match(entry);
    if (entry.key == "means") return read_means(entry);
    if (entry.key == "until") return read_until(entry);
    wrong(entry.at, fmt::format("unknown key {}{}", clip(printable(entry.key), 60),
                                suggestion(entry.key, kKeys, "a rule has stage, code, status, match, means, until")));
  }

  void read_stages(const DocumentValue& value) {
    if (const auto* const list = std::get_if<DocumentArray>(&value.value)) {
      for (const DocumentValue& one : *list)
        read_stage(one);
      if (list->empty()) wrong(value.at, "stage: the array is empty; leave the key out for any stage");
    } else {
      read_stage(value);
    }
  }

  void read_stage(const DocumentValue& value) {
    const std::string* const word = section_.word(value, "reply: stage", kStageForm);
    if (word == nullptr) {
      good_ = false;
      return;
    }
    const std::string name = lower(*word);
    const auto stage = find_stage(name);
    if (stage && std::find(kStages.begin(), kStages.end(), name) != kStages.end()) {
      rule_.stages.push_back(*stage);
    } else {
      wrong(value.at, fmt::format("stage: \"{}\" is not a stage with a reply{}", clip(printable(*word), 60),
                                  suggestion(name, kStages,
                                             "greeting, ehlo, starttls, auth, mail, rcpt, data and end_of_data are")));
    }
  }

  void read_code(const DocumentEntry& entry) {
    const auto* const number = std::get_if<std::int64_t>(&entry.value.value);
    const std::string* const word = number == nullptr ? text(entry) : nullptr;
    if (number == nullptr && word == nullptr) return;
    rule_.code = number != nullptr ? std::to_string(*number) : lower(*word);
    if (const auto problem = code_problem(rule_.code)) wrong(entry.value.at, "code: " + *problem);
  }

  void read_status(const DocumentEntry& entry) {
    const std::string* const word = text(entry);
    if (word == nullptr) return;
    rule_.status = lower(*word);
    if (const auto problem = status_problem(rule_.status)) wrong(entry.value.at, "status: " + *problem);
  }

  void read_match(const DocumentEntry& entry) {
    const std::string* const word = text(entry);
    if (word == nullptr) return;
    if (word->empty()) return wrong(entry.value.at, "match: the expression is empty; leave the key out for any text");
    rule_.match = *word;
    rule_.match_at = section_.position(entry.value.at);
  }

  void read_means(const DocumentEntry& entry) {
    const std::string* const word = text(entry);
    if (word == nullptr) return;
    means_ = find_meaning(lower(*word));
    if (means_) {
      rule_.means = *means_;
    } else {
      wrong(entry.value.at,
            fmt::format("means: \"{}\" is not a valid meaning{}", clip(printable(*word), 60),
                        suggestion(lower(*word), meaning_words(), "relaypipe.toml(5) lists the words")));
    }
  }

  void read_until(const DocumentEntry& entry) {
    const std::string* const word = text(entry);
    if (word == nullptr) return;
    const auto until = parse_until(*word);
    if (until) {
      rule_.until = *until;
    } else {
      wrong(entry.value.at, "until: " + until.error());
    }
  }

  const Section& section_;
  Place at_;
  ReplyRule rule_;
  std::optional<Meaning> means_;
  bool good_ = true;
};

}  // namespace

void read_reply_rules(const Section& section, const DocumentEntry& entry, std::vector<ReplyRule>& rules) {
  const DocumentArray* const array = section.array(entry, kForm);
  if (array == nullptr) return;
  for (const DocumentValue& value : *array) {
    const auto* const table = std::get_if<DocumentTable>(&value.value);
    if (table == nullptr) {
      section.wrong_type(value.at, entry.key, value, kForm);
      continue;
    }
    auto rule = RuleReader(section, value).read(*table);
    if (!rule) continue;
    rule->at = section.position(value.at);
    rules.push_back(*std::move(rule));
  }
}

}  // namespace relaypipe
