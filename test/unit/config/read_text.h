#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catch.h"
#include "config/configuration.h"
#include "io/toml_document.h"

namespace relaypipe::test {

struct Read {
  Configuration configuration;
  std::string text;  ///< the errors, one per line
};

/// A machine that knows no service's port.
inline std::optional<std::uint16_t> no_port(std::string_view) { return std::nullopt; }

/// Reads the text of a configuration file named `f` there.
inline Read read(const std::string& file, const std::vector<std::string>& overrides = {}) {
  Read result;
  std::vector<ConfigProblem> problems;
  std::vector<Document> documents;
  auto document = parse_document(file, "f", problems);
  REQUIRE(document);
  documents.push_back(*std::move(document));
  result.configuration = read_configuration(documents, no_port, overrides, problems);
  for (const ConfigProblem& problem : problems) {
    if (problem.severity == ConfigProblem::Severity::Error) result.text += problem.line() + "\n";
  }
  return result;
}

/// The relay `a`, whose lines begin at line 3.
inline std::string relay(const std::string& lines, const std::string& destination) {
  return "[relay.a]\ndestination = \"" + destination + "\"\n" + lines + "\n";
}

/// The relay `a` of a file without errors.
inline RelayConfig good(const std::string& file, const std::vector<std::string>& overrides = {}) {
  const Read result = read(file, overrides);
  CHECK(result.text == "");
  REQUIRE(result.configuration.relay("a") != nullptr);
  return *result.configuration.relay("a");
}

}  // namespace relaypipe::test
