#include "postfix/agent_argv.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "postfix/text.h"

namespace relaypipe {
namespace {

using Severity = PostfixFinding::Severity;

/// An option that has to be there, with a macro of pipe(8) as its value.
struct Required {
  std::string_view name;
  std::string_view macro;
  Severity severity;
  std::string_view without;  ///< what follows where it is missing or has another value
};

constexpr std::array<Required, 4> kRequired = {{
    {"--queue-id", "queue_id", Severity::Warning, "the log lines do not tell which message they are about"},
    {"--size", "size", Severity::Error, "a message that breaks off because pipe(8) died is taken for a whole one"},
    {"--nexthop", "nexthop", Severity::Error, "it is not told where mail goes, and defers all of it"},
    {"-f", "sender", Severity::Error, "it is not told the sender, and defers all mail"},
}};

bool is_value_option(std::string_view word) {
  return word.starts_with("--") || word.starts_with("-f") || word.starts_with("-o");
}

AgentArgv::Option parse_option(const std::vector<std::string>& argv, std::size_t& i) {
  const std::string& word = argv[i];
  const bool is_long = word.starts_with("--");
  const std::size_t end = is_long ? std::min(word.find('='), word.size()) : 2;
  AgentArgv::Option option{word.substr(0, end), "", false, false};
  if (!is_value_option(word)) return {word, "", false, true};
  option.joined = word.size() > end;
  if (option.joined) {
    option.value = word.substr(end + (is_long ? 1 : 0));
  } else if (i + 1 < argv.size()) {
    option.value = argv[++i];
  } else {
    option.alone = true;
  }
  return option;
}

/// A fixed nexthop is a choice of the administrator's; the other values only Postfix knows.
bool right_value(const AgentArgv::Option& option, const Required& required) {
  if (required.name == "-f" && option.joined) return false;
  return is_pipe_macro(option.value, required.macro) ||
         (required.name == "--nexthop" && option.value.find('$') == std::string::npos);
}

bool names_recipient(const AgentArgv& argv) {
  return std::any_of(argv.operands.begin(), argv.operands.end(),
                     [](const std::string& word) { return is_pipe_macro(word, "recipient"); });
}

std::string fault(const AgentArgv::Option* option, const Required& required) {
  if (option == nullptr)
    return fmt::format("argv has no {} ${{{}}}: {}", required.name, required.macro, required.without);
  if (required.name == "-f" && option->joined) {
    return "argv has -f and the sender as one word: for the null sender -f takes the next word for the sender";
  }
  return fmt::format("argv has {} {} instead of {} ${{{}}}", required.name, option->value, required.name,
                     required.macro);
}

}  // namespace

const AgentArgv::Option* AgentArgv::find(std::string_view name) const {
  const auto found = std::find_if(options.rbegin(), options.rend(), [&](const Option& o) { return o.name == name; });
  return found == options.rend() ? nullptr : &*found;
}

std::vector<std::string> AgentArgv::words() const {
  std::vector<std::string> words{program};
  for (const Option& option : options) {
    if (option.joined) {
      words.push_back(option.name + (option.name.starts_with("--") ? "=" : "") + option.value);
    } else {
      words.push_back(option.name);
      if (!option.alone) words.push_back(option.value);
    }
  }
  if (separator) words.emplace_back("--");
  words.insert(words.end(), operands.begin(), operands.end());
  return words;
}

AgentArgv parse_agent_argv(const std::vector<std::string>& argv) {
  AgentArgv parsed;
  if (!argv.empty()) parsed.program = argv.front();
  for (std::size_t i = 1; i < argv.size(); ++i) {
    if (argv[i] == "--") {
      parsed.separator = true;
      parsed.operands.insert(parsed.operands.end(), argv.begin() + static_cast<std::ptrdiff_t>(i) + 1, argv.end());
      break;
    }
    if (argv[i].size() > 1 && argv[i].front() == '-') {
      parsed.options.push_back(parse_option(argv, i));
    } else {
      parsed.operands.push_back(argv[i]);
    }
  }
  return parsed;
}

std::vector<PostfixFinding> judge_agent_argv(const AgentArgv& argv) {
  std::vector<PostfixFinding> findings;
  for (const Required& required : kRequired) {
    const AgentArgv::Option* const option = argv.find(required.name);
    if (option != nullptr && right_value(*option, required)) continue;
    findings.push_back({required.severity, "", fault(option, required), ""});
  }
  if (!names_recipient(argv)) {
    findings.push_back(
        {Severity::Error, "", "argv has no ${recipient}: it is not told for whom, and defers all mail", ""});
  }
  if (!argv.separator) {
    findings.push_back({Severity::Warning, "",
                        "argv has no -- before ${recipient}: a recipient that begins with - would "
                        "be taken for an option",
                        ""});
  }
  return findings;
}

AgentArgv fixed_agent_argv(AgentArgv argv) {
  for (auto required = kRequired.rbegin(); required != kRequired.rend(); ++required) {
    const AgentArgv::Option* const option = argv.find(required->name);
    if (option != nullptr && right_value(*option, *required)) continue;
    std::erase_if(argv.options, [&](const AgentArgv::Option& o) { return o.name == required->name; });
    const AgentArgv::Option added{std::string(required->name), fmt::format("${{{}}}", required->macro), false, false};
    argv.options.insert(required->name == "-f" ? argv.options.end() : argv.options.begin(), added);
  }
  argv.separator = true;
  if (!names_recipient(argv)) argv.operands = {"${recipient}"};
  return argv;
}

}  // namespace relaypipe
