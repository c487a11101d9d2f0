#include "io/base/json_reader.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/printable.h"

namespace relaypipe {
namespace {

constexpr std::size_t kDeepest = 32;

/// Takes the values as they come, each with the names that lead to it, so that no tree with secrets in it is built, and
/// wipes the parser's own copies.
class MemberReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return begin_value(); }
  bool boolean(bool truth) override { return value(Kind::Truth, truth ? "true" : "false"); }
  bool number_integer(number_integer_t number) override { return value(Kind::Number, std::to_string(number)); }
  bool number_unsigned(number_unsigned_t number) override { return value(Kind::Number, std::to_string(number)); }
  bool number_float(number_float_t, const string_t& text) override { return value(Kind::Number, text); }
  bool string(string_t& text) override {
    const bool goes_on = value(Kind::Text, text);
    Secret::wipe(text);
    return goes_on;
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override {
    object_ = object_ || levels_.empty();
    return enter(false);
  }
  bool start_array(std::size_t) override { return enter(true); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    add_name(std::string_view(name).substr(0, kNameOctets));
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

  /// Whether the whole text is an object.
  [[nodiscard]] bool object() const { return object_; }

 protected:
  enum class Kind { Text, Number, Truth };

  /// Gets a value at `path`, below so many objects and arrays.
  virtual void take(Kind kind, std::string& value, const std::string& path, std::size_t depth) = 0;

 private:
  static constexpr std::size_t kNameOctets = 64;

  struct Level {
    std::size_t path;  ///< octets of what leads to it
    bool array;
    std::size_t next = 0;
  };

  void add_name(std::string_view name) {
    path_.resize(levels_.back().path);
    if (!path_.empty()) path_ += '.';
    path_ += name;
  }

  bool begin_value() {
    if (!levels_.empty() && levels_.back().array) add_name(std::to_string(levels_.back().next++));
    return true;
  }

  bool value(Kind kind, std::string text) {
    begin_value();
    take(kind, text, path_, levels_.size());
    Secret::wipe(text);
    return true;
  }

  bool enter(bool array) {
    begin_value();
    levels_.push_back({path_.size(), array});
    return levels_.size() <= kDeepest;
  }

  bool leave() {
    levels_.pop_back();
    return true;
  }

  std::string path_;
  std::vector<Level> levels_;
  bool object_ = false;
};

class AllMembers final : public MemberReader {
 public:
  std::vector<std::pair<std::string, std::string>> members;

 private:
  // An answer of 64 KiB may name thousands of values by long names; none that is looked for is among the later ones.
  static constexpr std::size_t kMembers = 500;

  void take(Kind, std::string& value, const std::string& path, std::size_t) override {
    if (members.size() < kMembers) members.emplace_back(path, value);
  }
};

class TopFields final : public MemberReader {
 public:
  AnswerFields fields;

 private:
  void take(Kind kind, std::string& value, const std::string& path, std::size_t depth) override {
    if (depth == 1 && kind != Kind::Truth && !value.empty()) fields.push_back({path, Secret(value)});
  }
};

bool parse(std::string_view text, MemberReader& reader) {
  // nlohmann's lexer takes NUL for the end of the text.
  return text.find('\0') == text.npos && nlohmann::json::sax_parse(text, &reader);
}

/// The UTF-16 unit that is written as `\uXXXX` at the start of the text.
std::optional<std::uint32_t> escaped_unit(std::string_view text) {
  if (!text.starts_with("\\u") || text.size() < 6) return std::nullopt;
  std::uint32_t unit = 0;
  const char* const end = text.data() + 6;
  const auto read = std::from_chars(text.data() + 2, end, unit, 16);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return unit;
}

bool is_between(std::optional<std::uint32_t> unit, std::uint32_t first, std::uint32_t last) {
  return unit && *unit >= first && *unit <= last;
}

/// Adds the escape that the text begins with, and returns its octets.
std::size_t add_escape(std::string_view text, std::string& target) {
  const auto unit = escaped_unit(text);
  if (!is_between(unit, 0xD800, 0xDFFF)) {
    target += text.substr(0, 2);
    return std::min<std::size_t>(text.size(), 2);
  }
  const bool pair = *unit < 0xDC00 && is_between(escaped_unit(text.substr(6)), 0xDC00, 0xDFFF);
  target += pair ? text.substr(0, 12) : "\\ufffd";
  return pair ? 12 : 6;
}

/// The text without what nlohmann refuses though the rest is understood: octets that are no UTF-8, and halves of a
/// surrogate pair.
std::string in_whole_characters(std::string_view text) {
  std::string whole;
  whole.reserve(text.size());
  while (!text.empty()) {
    std::size_t length = utf8_length(text);
    if (text.front() == '\\') {
      length = add_escape(text, whole);
    } else if (length == 0) {
      whole += "\xEF\xBF\xBD";
      length = 1;
    } else {
      whole += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return whole;
}

}  // namespace

std::optional<JsonMembers> read_json(std::string_view text) {
  std::string whole = in_whole_characters(text);
  AllMembers reader;
  const bool valid = parse(whole, reader);
  Secret::wipe(whole);
  if (!valid) return std::nullopt;
  return JsonMembers(std::move(reader.members));
}

std::optional<AnswerFields> read_json_answer(std::string_view text) {
  TopFields reader;
  if (!parse(text, reader) || !reader.object()) return std::nullopt;
  return std::move(reader.fields);
}

}  // namespace relaypipe
