#include "config/configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "config/check_chains.h"
#include "config/document_reader.h"
#include "config/read_account.h"
#include "config/read_chain.h"
#include "config/read_fleet.h"
#include "config/read_relay.h"
#include "config/read_reply_rules.h"
#include "config/read_rewriting.h"
#include "config/setting_keys.h"
#include "config/settings_problems.h"
#include "relay/host.h"

namespace relaypipe {
namespace {

constexpr std::string_view kIncludeForm = "write a pattern of files such as include = \"conf.d/*.toml\"";

/// A `[relay.NAME]` or `[chain.NAME]` whose name is known; the values are read when all names are.
struct Body {
  const Document* document;
  const DocumentEntry* entry;
};

/// Reads the documents of one configuration.
class Reader {
 public:
  Reader(const ServicePort& service, std::span<const std::string> overrides, std::vector<ConfigProblem>& problems)
      : service_(service), overrides_(overrides), problems_(problems) {}

  Configuration read(const std::vector<Document>& documents);

 private:
  void read_top(const Document& document, bool included);
  void read_include(const Section& section, const DocumentEntry& entry, bool included);
  void read_on_change(const Section& section, const DocumentEntry& entry);
  void read_defaults(const Section& top, const Document& document, const DocumentEntry& entry);
  void read_setting(const Section& section, const Document& document, const DocumentEntry& entry);
  template <class Item>
  void read_names(const Section& top, const Document& document, const DocumentEntry& entry, SectionKind kind,
                  std::map<std::string, Item, std::less<>>& items, std::vector<Body>& bodies);
  void read_bodies();
  void check_settings();
  void apply_overrides();

  const ServicePort& service_;
  std::span<const std::string> overrides_;
  std::vector<ConfigProblem>& problems_;
  Configuration result_;
  std::map<std::string_view, Position> set_at_;  ///< the settings at the top and in `[defaults]`
  std::vector<Body> relays_;
  std::vector<Body> chains_;
};

Configuration Reader::read(const std::vector<Document>& documents) {
  for (const Document& document : documents) {
    read_top(document, &document != &documents.front());
  }
  check_settings();
  read_bodies();
  for (auto& [name, relay] : result_.relays)
    relay.limits.fleet = when_away(result_.fleet);
  find_shared_maps(result_, documents, problems_);
  find_circles(result_, problems_);
  // A misspelt name would make its relay an unused one as well.
  if (first_error(problems_) == nullptr) {
    find_unused(result_, problems_);
    find_closed_to_bounces(result_, problems_);
    find_idle_rewriting(result_, documents, problems_);
  }
  apply_overrides();
  sort_problems(problems_);
  return std::move(result_);
}

void Reader::read_top(const Document& document, bool included) {
  const Section section(document, SectionKind::Top, {}, {}, problems_);
  for (const DocumentEntry& entry : document.entries) {
    if (entry.key == "include") {
      read_include(section, entry, included);
    } else if (entry.key == "on_change") {
      read_on_change(section, entry);
    } else if (entry.key == "defaults") {
      read_defaults(section, document, entry);
    } else if (entry.key == "fleet") {
      read_fleet(section, entry, result_.fleet);
    } else if (entry.key == "relay") {
      read_names(section, document, entry, SectionKind::Relay, result_.relays, relays_);
    } else if (entry.key == "chain") {
      read_names(section, document, entry, SectionKind::Chain, result_.chains, chains_);
    } else {
      read_setting(section, document, entry);
    }
  }
}

/// The files are read before; here it is only judged.
void Reader::read_include(const Section& section, const DocumentEntry& entry, bool included) {
  if (included) return section.error(entry.at, entry.key, "an included file cannot include others");
  section.text(entry, kIncludeForm);
}

void Reader::read_on_change(const Section& section, const DocumentEntry& entry) {
  constexpr std::string_view form = "write a program and its arguments such as [\"/usr/local/bin/tell\", \"admin\"]";
  const DocumentArray* const array = section.array(entry, form);
  if (array == nullptr) return;
  result_.on_change.clear();
  for (const DocumentValue& value : *array) {
    const std::string* const word = section.word(value, entry.key, form);
    if (word != nullptr) result_.on_change.push_back(*word);
  }
  // No shell and no PATH: what runs is what is written.
  if (result_.on_change.empty() || result_.on_change.front().empty() || result_.on_change.front().front() != '/') {
    section.error(entry.value.at, entry.key, fmt::format("the first is the absolute path of a program; {}", form));
  }
}

void Reader::read_defaults(const Section& top, const Document& document, const DocumentEntry& entry) {
  const DocumentTable* const table = top.table(entry, "write [defaults]");
  if (table == nullptr) return;
  const Section section(document, SectionKind::Defaults, {}, entry.at, problems_);
  for (const DocumentEntry& setting : *table) {
    if (setting.key == "reply") {
      read_reply_rules(section, setting, result_.replies);
    } else {
      read_setting(section, document, setting);
    }
  }
}

void Reader::read_setting(const Section& section, const Document& document, const DocumentEntry& entry) {
  const SettingKey* const key = find_setting(entry.key);
  if (key == nullptr || !section.takes(*key)) return section.unknown_key(entry);
  const auto [first, fresh] = set_at_.try_emplace(key->name, document.position(entry.at));
  if (fresh) return section.apply(*key, entry, result_.run, result_.relay_defaults);
  section.error(entry.at, entry.key, fmt::format("is set already in {}", position_text(first->second)));
}

template <class Item>
void Reader::read_names(const Section& top, const Document& document, const DocumentEntry& entry, SectionKind kind,
                        std::map<std::string, Item, std::less<>>& items, std::vector<Body>& bodies) {
  const std::string form = fmt::format("write [{}.NAME]", entry.key);
  const DocumentTable* const table = top.table(entry, form);
  if (table == nullptr) return;
  bodies.reserve(bodies.size() + table->size());
  for (const DocumentEntry& item : *table) {
    const Section section(document, kind, item.key, item.at, problems_);
    std::optional<std::string> problem = name_problem(item.key);
    if (!problem && kind == SectionKind::Chain && item.key.find('.') != item.key.npos) {
      problem = "the name would hide the domain of that name in a nexthop; leave the dot out";
    }
    // Known all the same, so that where it is used there is no second problem.
    if (problem) section.error(*problem);
    if (!std::holds_alternative<DocumentTable>(item.value.value)) {
      section.wrong_type(item.value.at, entry.key, item.value, form);
      continue;
    }
    const auto [known, fresh] = items.try_emplace(item.key);
    if (!fresh) {
      section.error(fmt::format("there is one already in {}", position_text(known->second.at)));
      continue;
    }
    known->second.name = item.key;
    known->second.at = document.position(item.at);
    bodies.push_back({&document, &item});
  }
}

void Reader::read_bodies() {
  const RelayContext context{result_.relay_defaults, service_, result_.replies, overrides_};
  for (const Body& body : relays_) {
    const DocumentEntry& entry = *body.entry;
    const Section section(*body.document, SectionKind::Relay, entry.key, entry.at, problems_);
    read_relay(section, std::get<DocumentTable>(entry.value.value), context, result_.relays.find(entry.key)->second);
  }
  for (const Body& body : chains_) {
    const DocumentEntry& entry = *body.entry;
    const Section section(*body.document, SectionKind::Chain, entry.key, entry.at, problems_);
    read_chain(section, std::get<DocumentTable>(entry.value.value), result_, service_,
               result_.chains.find(entry.key)->second);
  }
}

/// Settings of the file that contradict each other.
void Reader::check_settings() {
  for (SettingsProblem& problem : settings_problems(result_.relay_defaults)) {
    Position at;
    for (const std::string_view key : problem.keys) {
      const auto set = set_at_.find(key);
      if (at.line == 0 && set != set_at_.end()) at = set->second;
    }
    problems_.push_back({ConfigProblem::Severity::Error, std::move(at), std::move(problem.text)});
  }
}

void Reader::apply_overrides() {
  const auto report = [&](const std::string& text) {
    problems_.push_back({ConfigProblem::Severity::Error, {"command line"}, "-o " + text});
  };
  const std::vector<SettingsProblem> before = settings_problems(result_.relay_defaults);
  for (const std::string& assignment : overrides_) {
    if (const auto problem = apply_setting(result_.run, result_.relay_defaults, assignment)) report(*problem);
  }
  for (const SettingsProblem& problem : settings_problems(result_.relay_defaults)) {
    if (std::find(before.begin(), before.end(), problem) == before.end()) report(problem.text);
  }
}

}  // namespace

std::string ConfigProblem::line() const {
  const std::string_view word = severity == Severity::Error ? "error" : "warning";
  const std::string place = position_text(at);
  return fmt::format("{}{}{}: {}", place, place.empty() ? "" : ": ", word, text);
}

const ChainConfig* Configuration::chain(std::string_view name) const {
  const auto found = chains.find(name);
  return found == chains.end() ? nullptr : &found->second;
}

const RelayConfig* Configuration::relay(std::string_view name) const {
  const auto found = relays.find(name);
  return found == relays.end() ? nullptr : &found->second;
}

const ConfigProblem* first_error(const std::vector<ConfigProblem>& problems) {
  const auto error = std::find_if(problems.begin(), problems.end(), [](const ConfigProblem& problem) {
    return problem.severity == ConfigProblem::Severity::Error;
  });
  return error == problems.end() ? nullptr : &*error;
}

void sort_problems(std::vector<ConfigProblem>& problems) {
  std::stable_sort(problems.begin(), problems.end(), [](const ConfigProblem& a, const ConfigProblem& b) {
    return std::tie(a.at.file, a.at.line, a.at.column) < std::tie(b.at.file, b.at.line, b.at.column);
  });
}

Configuration read_configuration(const std::vector<Document>& documents, const ServicePort& service,
                                 std::span<const std::string> overrides, std::vector<ConfigProblem>& problems) {
  return Reader(service, overrides, problems).read(documents);
}

}  // namespace relaypipe
