// Without exceptions toml++ asks after every octet whether there was an error: a quarter more work. None leaves this
// file.
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
#include "io/toml_document.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/printable.h"
#include "config/toml_words.h"

// toml++ 3.3 asserts before it checks: that a key begins after `[`, that a digit follows `2024-01-01T`. The checks
// after it find these mistakes and say where they are. But an assertion ends the process, and where NDEBUG makes it an
// assumption, clang takes it for a fact and the check away (issue 294 of toml++). So neither is wanted here.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(...) static_cast<void>(0)
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

namespace relaypipe {
namespace {

/// The deepest thing a configuration has is an array of arrays in a table of a table; the rest is room for mistakes.
constexpr int kDeepest = 16;

using Problems = std::vector<ConfigProblem>;

void report(Problems& problems, Position at, std::string text) {
  problems.push_back({ConfigProblem::Severity::Error, std::move(at), std::move(text)});
}

/// Turns the nodes of toml++ into plain values, moving the strings.
class Converter {
 public:
  Converter(const std::string& file, Problems& problems) : file_(file), problems_(problems) {}

  DocumentTable table(toml::table& from, int depth) {
    DocumentTable entries;
    entries.reserve(from.size());
    for (auto&& [key, node] : from) {
      std::optional<DocumentValue> known = value(node, depth);
      if (known) entries.push_back({std::string(key.str()), place(key.source()), *std::move(known)});
    }
    // toml++ sorts by name.
    std::sort(entries.begin(), entries.end(), [](const DocumentEntry& a, const DocumentEntry& b) {
      return std::tie(a.at.line, a.at.column) < std::tie(b.at.line, b.at.column);
    });
    return entries;
  }

 private:
  static Place place(const toml::source_region& region) { return {region.begin.line, region.begin.column}; }

  /// Nothing for what no configuration has; that was reported then.
  std::optional<DocumentValue> value(toml::node& from, int depth) {
    DocumentValue to{{}, place(from.source())};
    if (auto* const text = from.as_string()) {
      to.value = std::move(text->get());
    } else if (const auto* const number = from.as_integer()) {
      to.value = number->get();
    } else if (const auto* const fraction = from.as_floating_point()) {
      to.value = fraction->get();
    } else if (const auto* const truth = from.as_boolean()) {
      to.value = truth->get();
    } else if (depth == kDeepest) {
      return wrong(to.at, "arrays and tables are nested too deeply; nothing here needs it");
    } else if (auto* const inner = from.as_table()) {
      to.value = table(*inner, depth + 1);
    } else if (auto* const list = from.as_array()) {
      to.value = array(*list, depth + 1);
    } else {
      return wrong(to.at, "nothing here is a date or a time; write a string in quotes");
    }
    return to;
  }

  DocumentArray array(toml::array& from, int depth) {
    DocumentArray values;
    values.reserve(from.size());
    for (toml::node& node : from) {
      std::optional<DocumentValue> known = value(node, depth);
      if (known) values.push_back(*std::move(known));
    }
    return values;
  }

  std::nullopt_t wrong(Place at, std::string text) {
    report(problems_, {file_, at.line, at.column}, std::move(text));
    return std::nullopt;
  }

  const std::string& file_;
  Problems& problems_;
};

/// toml++'s words without the text of the file that they quote, which may be a password without its quotation marks.
/// One character, a word of TOML and the name of a key that is there twice say nothing.
std::string without_quotations(std::string_view text) {
  if (text.find("redefine") != text.npos || text.find("existing") != text.npos) return std::string(text);
  std::string result;
  for (;;) {
    const std::size_t open = text.find('\'');
    if (open == text.npos) return result.append(text);
    // What it has read stands last, and may hold apostrophes itself.
    const bool last = text.substr(0, open).ends_with("saw ");
    const std::size_t close = last ? text.rfind('\'') : text.find('\'', open + 1);
    if (close == text.npos || close == open) return result.append(text.substr(0, open)).append("(not shown)");
    const std::string_view inside = text.substr(open + 1, close - open - 1);
    const bool harmless = inside.size() <= 1 || inside == "true" || inside == "false" || inside == "inf" ||
                          inside == "nan" || inside == "\\n" || inside == "\\r";
    result.append(text.substr(0, open)).append(harmless ? text.substr(open, close + 1 - open) : "(not shown)");
    text.remove_prefix(close + 1);
  }
}

}  // namespace

std::optional<Document> parse_document(std::string_view text, const std::string& file,
                                       std::vector<ConfigProblem>& problems) {
  try {
    toml::table table = toml::parse(text);
    return Document{file, Converter(file, problems).table(table, 0)};
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    const std::string described = without_quotations(printable(error.description()));
    report(problems, {file, at.line, at.column}, explain_toml_error(described));
    return std::nullopt;
  }
}

}  // namespace relaypipe
