// Without exceptions toml++ asks after every octet whether there was an error: a quarter more work. None leaves this
// file.
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
#include "io/toml_document.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/printable.h"

namespace relaypipe {
namespace {

struct BrokenAssumption {};
[[noreturn]] void broken_assumption() { throw BrokenAssumption(); }

}  // namespace
}  // namespace relaypipe

// toml++ 3.3 takes for granted what it has not checked: a key after `[`, a digit after `2024-01-01T`. In a release
// build what follows is undefined behaviour (its issue 294). So its assertions stay in, and a broken one ends as a
// problem of the file. That costs four percent.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(expression) ((expression) ? static_cast<void>(0) : relaypipe::broken_assumption())
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

bool stumbles(std::string_view text) {
  try {
    static_cast<void>(toml::parse(text));
  } catch (const toml::parse_error&) {
    return false;
  } catch (const BrokenAssumption&) {
    return true;
  }
  return false;
}

/// Where toml++ stumbles over `text`: it reads from left to right, so that it does over every beginning that holds the
/// place, and over none that ends before it.
Place stumbling_place(std::string_view text) {
  std::size_t good = 0;
  std::size_t bad = text.size();
  while (bad - good > 1) {
    const std::size_t middle = good + (bad - good) / 2;
    (stumbles(text.substr(0, middle)) ? bad : good) = middle;
  }
  Place at{1, 1};
  for (const char c : text.substr(0, good)) {
    const bool continued = (static_cast<unsigned char>(c) & 0xC0U) == 0x80;
    if (c == '\n') {
      at = {at.line + 1, 1};
    } else if (!continued) {
      ++at.column;
    }
  }
  return at;
}

}  // namespace

std::optional<Document> parse_document(std::string_view text, const std::string& file,
                                       std::vector<ConfigProblem>& problems) {
  try {
    toml::table table = toml::parse(text);
    return Document{file, Converter(file, problems).table(table, 0)};
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    report(problems, {file, at.line, at.column}, std::string(clip(printable(error.description()), 300)));
    return std::nullopt;
  } catch (const BrokenAssumption&) {
    const Place at = stumbling_place(text);
    report(problems, {file, at.line, at.column},
           "this cannot stand here; other text than letters and digits needs quotes");
    return std::nullopt;
  }
}

}  // namespace relaypipe
