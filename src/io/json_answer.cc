#include "io/json_answer.h"

#include <nlohmann/json.hpp>

namespace relaypipe {
namespace {

/// Takes the members as they come, so that no tree with secrets in it is built, and wipes the parser's own copies.
class FieldReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return value({}); }
  bool boolean(bool) override { return value({}); }
  bool number_integer(number_integer_t number) override { return value(std::to_string(number)); }
  bool number_unsigned(number_unsigned_t number) override { return value(std::to_string(number)); }
  bool number_float(number_float_t, const string_t& text) override { return value(text); }
  bool string(string_t& text) override {
    const bool goes_on = value(text);
    Secret::wipe(text);
    return goes_on;
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override { return depth_ > 0 && enter(); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    if (depth_ == 1) name_ = name;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

  AnswerFields fields;

 private:
  static constexpr int kDeepest = 32;

  bool enter() { return ++depth_ <= kDeepest; }
  bool leave() { return --depth_, true; }

  bool value(std::string text) {
    if (depth_ == 0) return false;
    if (depth_ == 1 && !text.empty()) fields.push_back({name_, Secret(text)});
    Secret::wipe(text);
    return true;
  }

  int depth_ = 0;
  std::string name_;
};

}  // namespace

std::optional<AnswerFields> read_json_answer(std::string_view text) {
  FieldReader reader;
  if (!nlohmann::json::sax_parse(text, &reader)) return std::nullopt;
  return std::move(reader.fields);
}

}  // namespace relaypipe
