#include "frontend/postfix_tools.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "base/printable.h"
#include "io/tool_output.h"

namespace relaypipe {
namespace {

/// A large table takes a second; a tool that hangs on a table of the network must not hang us.
constexpr Duration kLimit = std::chrono::seconds(60);

/// What a tool said when it gave up: the last line, where warnings may stand before it.
std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  if (end == text.npos) return "";
  const std::string_view whole = std::string_view(text).substr(0, end + 1);
  return printable(whole.substr(whole.rfind('\n') + 1));  // npos + 1 is the beginning
}

}  // namespace

Result<std::string, std::string> PostfixTools::run(const std::string& tool,
                                                   const std::vector<std::string>& arguments) const {
  std::vector<std::string> argv{tool};
  if (!directory_.empty()) argv.insert(argv.end(), {"-c", directory_});
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  auto output = run_tool(argv, kLimit);
  if (!output) return fail(output.error());
  if (output->status == 0) return std::move(output->out);
  const std::string said = last_line(output->err);
  return fail(said.empty() ? fmt::format("{} ended with exit status {}", tool, output->status) : said);
}

std::string PostfixTools::postconf() const {
  return directory_.empty() ? "postconf" : "postconf -c " + shell_word(directory_);
}

Result<std::vector<MasterService>, std::string> PostfixTools::services() const {
  const auto text = run("postconf", {"-M"});
  if (!text) return fail(text.error());
  return parse_master(*text);
}

Result<std::vector<PostfixPair>, std::string> PostfixTools::parameters(const std::vector<std::string>& names,
                                                                       bool expanded) const {
  std::vector<std::string> arguments;
  if (expanded) arguments.emplace_back("-x");
  arguments.insert(arguments.end(), names.begin(), names.end());
  const auto text = run("postconf", arguments);
  if (!text) return fail(text.error());
  return parse_postconf(*text);
}

Result<std::vector<PostfixPair>, std::string> PostfixTools::overrides(bool expanded) const {
  const auto text = run("postconf", expanded ? std::vector<std::string>{"-P", "-x"} : std::vector<std::string>{"-P"});
  if (!text) return fail(text.error());
  return parse_postconf(*text);
}

std::optional<std::string> PostfixTools::find(const std::string& table, const std::string& key) const {
  const auto text = run("postmap", {"-q", key, table});
  if (!text || text->empty()) return std::nullopt;
  return text->substr(0, text->find('\n'));
}

Result<std::vector<PostfixPair>, std::string> PostfixTools::entries(const PostfixTable& table) const {
  if (table.kind == PostfixTable::Kind::Constant)
    return std::vector<PostfixPair>{{"every key", without_braces(table.name)}};
  if (table.kind == PostfixTable::Kind::Listed) {
    const auto text = run("postmap", {"-s", table.text});
    if (!text) return fail(text.error());
    return parse_postmap(*text);
  }
  if (table.kind == PostfixTable::Kind::Hidden) return std::vector<PostfixPair>{};
  if (table.name.starts_with('{')) return parse_pattern_table(table.type, table.name);
  std::ifstream file(table.name);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || file.bad()) return fail(printable(table.name) + " cannot be read");
  return parse_pattern_table(table.type, text);
}

}  // namespace relaypipe
