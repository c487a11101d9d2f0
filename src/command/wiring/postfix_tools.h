#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/system/tool_output.h"
#include "postfix/master.h"
#include "postfix/table.h"
#include "postfix/text.h"

namespace relaypipe {

/// What a table holds, as postmap(1) reads it.
struct TableEntries {
  std::vector<PostfixPair> pairs;
  std::vector<std::string> duplicates;  ///< `line 3: duplicate entry: "example.com"`, one per line that repeats a key
};

/// What Postfix's own tools say about a configuration directory. Errors are phrases that begin with the tool.
class PostfixTools {
 public:
  /// `directory`: of main.cf and master.cf; empty: the one the tools know.
  explicit PostfixTools(std::string directory) : directory_(std::move(directory)) {}

  /// `postconf`, with its `-c`, as a person would write it.
  [[nodiscard]] std::string postconf() const;

  /// `postfix reload`, likewise.
  [[nodiscard]] std::string postfix_reload() const;

  /// `postconf -M`.
  [[nodiscard]] Result<std::vector<MasterService>, std::string> services() const;
  /// `postconf NAME...`; expanded: with the values of other parameters in their places (`-x`).
  [[nodiscard]] Result<std::vector<PostfixPair>, std::string> parameters(const std::vector<std::string>& names,
                                                                         bool expanded) const;
  /// `postconf -P`: what `-o` sets in master.cf, named `service/type/parameter`.
  [[nodiscard]] Result<std::vector<PostfixPair>, std::string> overrides(bool expanded) const;
  /// `postmap -q`: the value of a key, or nothing.
  [[nodiscard]] std::optional<std::string> find(const std::string& table, const std::string& key) const;
  /// All entries of a table that has some to show; for a constant one its value.
  [[nodiscard]] Result<TableEntries, std::string> entries(const PostfixTable& table) const;
  /// `postconf -n NAME...`: those of the parameters that main.cf sets.
  [[nodiscard]] Result<std::vector<PostfixPair>, std::string> set_parameters(
      const std::vector<std::string>& names) const;

 private:
  [[nodiscard]] Result<std::string, std::string> run(const std::string& tool,
                                                     const std::vector<std::string>& arguments) const;
  [[nodiscard]] Result<ToolOutput, std::string> run_whole(const std::string& tool,
                                                          const std::vector<std::string>& arguments) const;

  std::string directory_;
};

}  // namespace relaypipe
