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

// toml++ 3.3 takes for granted what it has not checked: after `[(` it expects a key, and in a release build what
// follows is undefined behaviour (its issue 294). So its assertions stay in, and a broken one ends as a problem of the
// file.
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

/// The table header whose name begins as no name can. Asked only when toml++ has stumbled, for that is where it does.
Place broken_header(std::string_view text) {
  constexpr std::string_view key_begins = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_\"'] \t\r\n";
  std::uint32_t line = 1;
  for (std::size_t at = 0; at < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view row = text.substr(at, end - at);
    at = end + 1;
    std::size_t column = std::min(row.find_first_not_of(" \t"), row.size());
    if (column == row.size() || row[column] != '[') continue;
    column += row.substr(column).starts_with("[[") ? 2U : 1U;
    column = std::min(row.find_first_not_of(" \t", column), row.size());
    if (column < row.size() && key_begins.find(row[column]) == key_begins.npos) {
      return {line, static_cast<std::uint32_t>(column + 1)};
    }
  }
  return {};
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
    const Place at = broken_header(text);
    const bool header = at.line > 0;
    report(problems, {file, at.line, at.column},
           header ? "a name of a table that begins like this needs quotes: [relay.\"NAME\"]" : "this is no TOML");
    return std::nullopt;
  }
}

}  // namespace relaypipe
