#include "config/toml_words.h"

#include <string>
#include <vector>

#include "catch.h"
#include "config/configuration.h"
#include "io/toml_document.h"

namespace relaypipe {
namespace {

struct Row {
  std::string text;
  std::string problem;  ///< how the line of the problem begins
};

TEST_CASE("a mistake in TOML is told with its line and the way out", "[toml_words]") {
  const Row row = GENERATE(
      Row{"[relay.a]\ndestination = mail.example.com:587\n", "f:2:15: error: this is not a value: write a text in"},
      Row{"[relay.a]\ndestination = [mail.example.com]:587\n", "f:2:16: error: this is not a value: write a text in"},
      Row{"[relay.a]\ntls = \"may\nweight = 3\n", "f:2:11: error: the text does not end on this line: a closing \""},
      Row{"[relay.a]\ntls = 'may\"\n", "f:2:12: error: the text does not end on this line: a closing '"},
      Row{"[relay.a]\nweight = 1\nweight = 2\n", "f:3:10: error: this key is written twice in its section"},
      Row{"[relay.a]\nweight = 1\n[relay.a]\nsrv = true\n", "f:3:1: error: this section is written twice"},
      Row{"[relay.a\nweight = 1\n", "f:1:9: error: the name of this section does not end here"},
      Row{"[relay.my relay]\n", "f:1:11: error: the name of this section does not end here"},
      Row{"[relay.a]\nweight 3\n", "f:2:8: error: an = is missing after the key"},
      Row{"[relay.a]\ntls: \"may\"\n", "f:2:4: error: an = is missing after the key"},
      Row{"[relay.a]\ntls =\n", "f:2:6: error: the value is missing after ="},
      Row{"[chain.a]\ntiers = [[\"a\", \"b\"]\n", "f:2:21: error: this list does not end"},
      Row{"[chain.a]\ntiers = [[\"a\" \"b\"]]\n", "f:2:15: error: a comma is missing between two values"},
      Row{"[relay.a]\noauth2 = { a = \"x\",\nb = \"y\" }\n", "f:2:20: error: a table in braces ends on its line"},
      Row{"[relay.a]\nsenders = \"a\\dx\"\n", "f:2:14: error: a backslash begins an escape"},
      Row{"[relay.a]\nmax_size = 25M\n", "f:2:14: error: a number with a unit is a text"},
      Row{"[relay.a]\nsrv = True\n", "f:2:7: error: true and false are written in lower case"});
  std::vector<ConfigProblem> problems;
  CHECK_FALSE(parse_document(row.text, "f", problems));
  REQUIRE(problems.size() == 1);
  INFO(problems[0].line());
  CHECK(problems[0].line().starts_with(row.problem));
}

TEST_CASE("an error that is not known is passed on, printable and bounded", "[toml_words]") {
  CHECK(explain_toml_error("something\nnew") == "not valid TOML: something new");
  CHECK(explain_toml_error(std::string(1000, 'x')).size() < 400);
}

}  // namespace
}  // namespace relaypipe
