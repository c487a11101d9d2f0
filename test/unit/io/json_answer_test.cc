#include "io/json_answer.h"

#include <string>

#include "catch.h"

namespace relaypipe {
namespace {

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
