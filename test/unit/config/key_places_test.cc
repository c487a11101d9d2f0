#include "config/key_places.h"

#include <string>
#include <vector>

#include "catch.h"
#include "config/configuration.h"
#include "io/toml_document.h"

using namespace relaypipe;

namespace {

std::string place(const std::vector<Document>& documents, const Position& section, const std::string& key) {
  const Position at = key_position(documents, section, key);
  return at.file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

}  // namespace

TEST_CASE("a key's place is the line where it is written, else that of its section", "[configuration]") {
  std::vector<ConfigProblem> problems;
  std::vector<Document> documents;
  documents.push_back(
      *parse_document("log_file = \"/log\"\n[defaults]\ntls_ca_file = \"/a\"\n[relay.a]\ntls = \"may\"\n"
                      "password_file = \"/b\"\n[relay.a.oauth2]\n  token_file = \"/c\"\n",
                      "main", problems));
  documents.push_back(*parse_document("[relay.b]\n\ntls = \"may\"\nreply = [{ code = \"5xx\" }]\n", "more", problems));
  REQUIRE(problems.empty());
  const Position top{"main", 0, 0};
  const Position a = documents[0].position(std::get<DocumentTable>(documents[0].entries[2].value.value)[0].at);
  const Position b = documents[1].position(std::get<DocumentTable>(documents[1].entries[0].value.value)[0].at);
  CHECK(place(documents, top, "log_file") == "main:1:1");
  CHECK(place(documents, top, "tls_ca_file") == "main:3:1");
  CHECK(place(documents, top, "deadline") == "main:0:0");
  CHECK(place(documents, a, "password_file") == "main:6:1");
  CHECK(place(documents, a, "oauth2.token_file") == "main:8:3");
  CHECK(place(documents, b, "tls") == "more:3:1");
  // Inherited: the section is what its reader has to look at.
  CHECK(place(documents, a, "tls_ca_file") == place(documents, a, "no such key"));
  CHECK(key_position(documents, a, "tls_ca_file").line == a.line);
  CHECK(place({}, a, "tls") == place(documents, a, "no such key"));
}
