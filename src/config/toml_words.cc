#include "config/toml_words.h"

#include <algorithm>
#include <array>

#include "base/printable.h"

namespace relaypipe {
namespace {

/// One kind of mistake: the parts that the library's text has to hold, and what a person is told.
struct Explanation {
  std::string_view context;
  std::string_view complaint;
  std::string_view words;
};

// The first that fits. The texts are those of toml++ 3.3 and 3.4 (impl/parser.inl).
constexpr std::array<Explanation, 20> kExplanations = {{
    {"", "utf-8", "the file is not UTF-8 here; save it as UTF-8"},
    {"literal string", "control characters", "the text does not end on this line: a closing ' is missing"},
    {"string", "control characters", "the text does not end on this line: a closing \" is missing"},
    {"string", "encountered end-of-file", "the text does not end: its closing quote is missing"},
    {"string", "escape sequence",
     "a backslash begins an escape in double quotes: write it twice, or the text in single quotes"},
    {"table header", "cannot redefine",
     "this section is written twice, or its name is a key already; put all keys of it into one section"},
    {"key-value pair", "cannot redefine", "this key is written twice in its section; keep one of the two lines"},
    {"table header", "expected ']'",
     "the name of this section does not end here: write [relay.NAME], and quotes around a name that has more than "
     "letters, digits, - and _"},
    {"key-value pair", "expected '='", "an = is missing after the key: write key = value"},
    {"key-value pair", "expected value", "the value is missing after ="},
    {"inline table", "saw '\\n'", "a table in braces ends on its line: write all of { ... } on one line"},
    {"array", "encountered end-of-file", "this list does not end: a closing ] is missing"},
    {"array", "expected comma", "a comma is missing between two values of this list, or its closing ]"},
    {"parsing key:", "", "a name is missing here, or it needs quotes: only letters, digits, - and _ go without"},
    {"parsing date", "", "nothing here is a date or a time; write a text in double quotes"},
    {"parsing time", "", "nothing here is a date or a time; write a text in double quotes"},
    {"boolean", "", "true and false are written in lower case; any other text in double quotes"},
    {"integer", "expected digit",
     "a number with a unit is a text: write it in double quotes, as in \"25M\" or \"30s\""},
    {"floating-point", "", "this is not a number; write a text in double quotes"},
    {"", "could not determine value type",
     "this is not a value: write a text in double quotes, as in \"[mail.example.com]:587\""},
}};

}  // namespace

std::string explain_toml_error(std::string_view description) {
  constexpr std::size_t kLongest = 300;
  const std::string text = lower(printable(description));
  for (const Explanation& each : kExplanations) {
    const bool fits = text.find(each.context) != text.npos && text.find(each.complaint) != text.npos;
    if (fits) return std::string(each.words);
  }
  return "not valid TOML: " + std::string(clip(printable(description), kLongest));
}

}  // namespace relaypipe
