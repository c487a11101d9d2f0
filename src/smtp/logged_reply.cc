#include "smtp/logged_reply.h"

#include <algorithm>
#include <array>

namespace relaypipe {
namespace {

constexpr std::string_view kInReply = " (in reply to ";
constexpr std::string_view kCommand = " command)";

/// How a line introduces a reply, and where that was said when the line does not tell by `(in reply to …)`.
struct XclientStep {
  std::string_view words;
  Stage stage;
};
constexpr std::array<XclientStep, 5> kIntroductions = {{{" refused to talk to me: ", Stage::Greeting},
                                                        {" refused to start TLS: ", Stage::StartTls},
                                                        {"SASL authentication failed; server ", Stage::Auth},
                                                        {"SASL authentication failed: server ", Stage::Auth},
                                                        {" said: ", Stage::EndOfData}}};

/// The stage that `(in reply to X command)` names.
std::optional<Stage> stage_of(std::string_view command) {
  constexpr std::array stages = {Stage::Ehlo, Stage::StartTls, Stage::Auth,     Stage::Mail,
                                 Stage::Rcpt, Stage::Data,     Stage::EndOfData};
  const auto* const found =
      std::find_if(stages.begin(), stages.end(), [&](Stage stage) { return command_name(stage) == command; });
  if (found != stages.end()) return *found;
  if (command == "HELO") return Stage::Ehlo;
  return std::nullopt;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool begins_reply(std::string_view text) {
  return text.size() >= 3 && text[0] >= '2' && text[0] <= '5' && is_digit(text[1]) && is_digit(text[2]) &&
         (text.size() == 3 || text[3] == ' ' || text[3] == '-');
}

/// The lines of a reply, which the log has with blanks for the ends of its lines: each begins with the code again.
std::string with_lines(std::string_view reply) {
  std::string text(reply);
  if (text.size() < 4 || text[3] != '-') return text;
  const std::string code = " " + text.substr(0, 3);
  for (std::size_t at = text.find(code); at != text.npos; at = text.find(code, at + 1)) {
    const std::size_t after = at + code.size();
    if (after < text.size() && (text[after] == '-' || text[after] == ' ')) text[at] = '\n';
  }
  return text;
}

/// The name before `[address]` at the end of what introduces the reply.
std::string host_before(std::string_view text) {
  const std::size_t bracket = text.rfind('[');
  if (bracket == text.npos) return "";
  const std::size_t begin = text.find_last_of(" (:;", bracket);
  return std::string(text.substr(begin == text.npos ? 0 : begin + 1, bracket - (begin == text.npos ? 0 : begin + 1)));
}

/// Without the parenthesis that ends the line's text, and what we tell of other attempts.
std::string_view without_rest(std::string_view text) {
  const std::size_t tried = text.find("; tried ");
  if (tried != text.npos) text = text.substr(0, tried);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  // Parentheses inside the reply are its own; the one that is left over is the log's.
  const auto open = std::count(text.begin(), text.end(), '(');
  for (auto close = std::count(text.begin(), text.end(), ')'); close > open && text.back() == ')'; --close)
    text.remove_suffix(1);
  return text;
}

std::optional<LoggedReply> read(std::string_view before, std::string_view text, Stage stage) {
  const std::size_t in_reply = text.find(kInReply);
  if (in_reply != text.npos) {
    const std::string_view command = text.substr(in_reply + kInReply.size());
    stage = stage_of(command.substr(0, command.find(kCommand))).value_or(stage);
    text = text.substr(0, in_reply);
  } else {
    text = without_rest(text);
  }
  if (!begins_reply(text)) return std::nullopt;
  return LoggedReply{with_lines(text), host_before(before), stage};
}

}  // namespace

bool is_log_line(std::string_view text) {
  constexpr std::array<std::string_view, 8> marks = {": to=<",     ", status=",
                                                     ", verdict=", ", attempt=",
                                                     " said: ",    "refused to talk to me: ",
                                                     "relay=",     " refused to start TLS: "};
  return !begins_reply(text) &&
         std::any_of(marks.begin(), marks.end(), [&](std::string_view mark) { return text.find(mark) != text.npos; });
}

std::optional<LoggedReply> reply_in_log_line(std::string_view line) {
  constexpr std::string_view said = " said: ";
  for (const XclientStep& introduction : kIntroductions) {
    const std::size_t at = line.find(introduction.words);
    if (at == line.npos) continue;
    std::size_t end = at + introduction.words.size();
    std::size_t host_end = at;
    if (introduction.stage == Stage::Auth) {
      const std::size_t words = line.find(said, at);
      if (words == line.npos) continue;
      host_end = words;
      end = words + said.size();
    }
    if (auto found = read(line.substr(0, host_end), line.substr(end), introduction.stage)) return found;
  }
  return std::nullopt;
}

}  // namespace relaypipe
