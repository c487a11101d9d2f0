#include "io/base/json_reader.h"

#include <string>
#include <string_view>
#include <vector>

#include "catch.h"

namespace relaypipe {
namespace {

using namespace std::string_literals;

std::string members(std::string_view text) {
  const auto read = read_json(text);
  if (!read) return "invalid";
  std::string all;
  for (const auto& [name, value] : read->all())
    all += "[" + name + "=" + value + "]";
  return all;
}

TEST_CASE("values with the names that lead to them") {
  struct Row {
    std::string text;
    std::string members;
  };
  const Row row = GENERATE(values<Row>({
      {R"({})", ""},
      {R"( { } )", ""},
      {R"({"a":"b"})", "[a=b]"},
      {R"({"a": {"b": [1, "x", {"c": true}], "d": null}, "e": false})", "[a.b.0=1][a.b.1=x][a.b.2.c=true][e=false]"},
      {R"(["x",[]])", "[0=x]"},
      {R"("x")", "[=x]"},
      {R"([-7, 1.5e+3, 10, -2.25E-1, 123456789012345678901])",
       "[0=-7][1=1.5e+3][2=10][3=-2.25E-1][4=123456789012345678901]"},
      {R"({"a":"\"\\\/\b\f\n\r\t"})", "[a=\"\\/\b\f\n\r\t]"},
      {R"({"a":"\u0041\u00e9\u20AC\ud83d\ude00"})", "[a=A\u00e9\u20AC\U0001F600]"},
      {R"({"a":"\ud83d","b":"\ude00x","c":"\ud83d\u0041"})", "[a=\uFFFD][b=\uFFFDx][c=\uFFFDA]"},
      {"{\"a\":\"\u00e9\"}", "[a=\u00e9]"},
      {"{\"a\":\"d\xE9j\xE0 \xF0\x9F\"}", "[a=d\uFFFDj\uFFFD \uFFFD\uFFFD]"},
      {R"({"a":"\\ud83d\\","b":"\""})", R"([a=\ud83d\][b="])"},
      {"\xEF\xBB\xBF{\"a\":1}", "[a=1]"},
      {"\t\r\n{\"a\"\n:\t1 }\n", "[a=1]"},
  }));
  INFO(row.text);
  CHECK(members(row.text) == row.members);
}

TEST_CASE("what is no JSON") {
  const std::string text = GENERATE(values<std::string>({
      "",
      " ",
      "{",
      "}",
      "{]",
      "[1,]",
      "[1 2]",
      "{\"a\"}",
      "{\"a\":}",
      "{\"a\":1,}",
      "{a:1}",
      "{\"a\":1}x",
      "{\"a\":1}{}",
      "\"",
      "\"\\x\"",
      "\"\\u12\"",
      "\"\\u12g4\"",
      "\"a\nb\"",
      "'a'",
      "tru",
      "nul",
      "01",
      "-",
      "1.",
      ".5",
      "1e",
      "+1",
      "<html>",
      "[\"\\ud83d\\u12\"]",
      "[\"\\",
      "[\"\\\xE9\"]",
      "{\"a\":1}\0"s,
      "{\"a\":1}\0x"s,
      "[\"\0\"]"s,
  }));
  INFO(text);
  CHECK(members(text) == "invalid");
}

TEST_CASE("no text costs more than it is long") {
  CHECK(members(std::string(32, '[') + std::string(32, ']')) == "");
  CHECK(members(std::string(33, '[') + std::string(33, ']')) == "invalid");
  CHECK(members(std::string(100000, '[')) == "invalid");
  std::string many = "{\"" + std::string(30000, 'n') + "\":[0";
  for (int i = 0; i < 10000; ++i)
    many += ",1";
  many += "]}";
  const auto read = read_json(many);
  REQUIRE(read);
  CHECK(read->all().size() == 500);
  CHECK(read->at(std::string(64, 'n') + ".0") == "0");
}

std::string flat(std::string_view text) {
  const auto fields = read_json_answer(text);
  if (!fields) return "none";
  std::string all;
  for (const AnswerField& field : *fields)
    all += field.name + "=" + std::string(field.value.reveal()) + ";";
  return all;
}

TEST_CASE("texts and numbers of the outermost object") {
  CHECK(flat(R"({"a":"x","b":12,"c":-1,"d":1.5,"e":null,"f":true,"g":["y"],"h":{"a":"z"},"i":""})") ==
        "a=x;b=12;c=-1;d=1.5;");
  CHECK(flat(" {} ").empty());
  CHECK(flat(R"({"a":"\u00e9\n"})") == "a=\xC3\xA9\n;");
}

TEST_CASE("what is no object, or no whole one") {
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("12"), std::string(R"("a")"), std::string("[]"),
        std::string(R"([{"a":"b"}])"), std::string(R"({"a":"b")"), std::string(R"({"a":"b"} x)"),
        std::string("{\"a\":\"\xff\"}"), std::string("<html></html>"), std::string(60000, '['),
        R"({"a":)" + std::string(60000, '[')}) {
    CAPTURE(text.substr(0, 30));
    CHECK(flat(text) == "none");
  }
}

}  // namespace
}  // namespace relaypipe
