#include "command/wiring/postfix_tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/printable.h"
#include "io/system/tool_output.h"

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

/// The duplicate keys that postmap(1) warns of, each line once: it may say so several times.
std::vector<std::string> duplicates_in(std::string_view said) {
  constexpr std::string_view kWords = "duplicate entry: ";
  std::vector<std::string> found;
  while (!said.empty()) {
    const std::string_view line = said.substr(0, said.find('\n'));
    said.remove_prefix(std::min(line.size() + 1, said.size()));
    if (line.find(kWords) == line.npos) continue;
    const std::size_t place = line.find(", line ");
    std::string text = printable(line.substr(place == line.npos ? line.find(kWords) : place + 2));
    if (std::find(found.begin(), found.end(), text) == found.end()) found.push_back(std::move(text));
  }
  return found;
}

}  // namespace

Result<ToolOutput, std::string> PostfixTools::run_whole(const std::string& tool,
                                                        const std::vector<std::string>& arguments) const {
  std::vector<std::string> argv{tool};
  if (!directory_.empty()) argv.insert(argv.end(), {"-c", directory_});
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  auto output = run_tool(argv, kLimit);
  if (!output) return fail(output.error());
  if (output->status == 0) return std::move(*output);
  const std::string said = last_line(output->err);
  return fail(said.empty() ? fmt::format("{} ended with exit status {}", tool, output->status) : said);
}

Result<std::string, std::string> PostfixTools::run(const std::string& tool,
                                                   const std::vector<std::string>& arguments) const {
  auto output = run_whole(tool, arguments);
  if (!output) return fail(output.error());
  return std::move(output->out);
}

Result<std::vector<PostfixPair>, std::string> PostfixTools::set_parameters(
    const std::vector<std::string>& names) const {
  std::vector<std::string> arguments{"-n"};
  arguments.insert(arguments.end(), names.begin(), names.end());
  const auto text = run("postconf", arguments);
  if (!text) return fail(text.error());
  return parse_postconf(*text);
}

std::string PostfixTools::postconf() const {
  return directory_.empty() ? "postconf" : "postconf -c " + shell_word(directory_);
}

std::string PostfixTools::postfix_reload() const {
  return directory_.empty() ? "postfix reload" : "postfix -c " + shell_word(directory_) + " reload";
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

Result<TableEntries, std::string> PostfixTools::entries(const PostfixTable& table) const {
  if (table.kind == PostfixTable::Kind::Constant) return TableEntries{{{"every key", without_braces(table.name)}}, {}};
  if (table.kind == PostfixTable::Kind::Listed) {
    const auto output = run_whole("postmap", {"-s", table.text});
    if (!output) return fail(output.error());
    return TableEntries{parse_postmap(output->out), duplicates_in(output->err)};
  }
  if (table.kind == PostfixTable::Kind::Hidden) return TableEntries();
  if (table.name.starts_with('{')) return TableEntries{parse_pattern_table(table.type, table.name), {}};
  std::ifstream file(table.name);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || file.bad()) return fail(printable(table.name) + " cannot be read");
  return TableEntries{parse_pattern_table(table.type, text), {}};
}

}  // namespace relaypipe
