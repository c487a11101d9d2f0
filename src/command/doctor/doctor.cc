#include "command/doctor/doctor.h"

#include <fmt/format.h>

#include <algorithm>

#include "command/doctor/fix.h"
#include "command/doctor/json.h"
#include "command/doctor/routes.h"
#include "command/doctor/service.h"
#include "command/wiring/postfix_tools.h"
#include "command/wiring/text.h"
#include "io/system/own_program.h"
#include "io/system/standard_streams.h"
#include "postfix/judge_main.h"

namespace relaypipe {
namespace {

using Severity = PostfixFinding::Severity;

struct DoctorArguments : CommonArguments {
  std::optional<std::string> directory;  ///< Postfix's configuration; by default, the one of its tools
  bool json = false;
  bool fix = false;  ///< runs the lines that it prints, after asking
};

void declare(Options& options, DoctorArguments& arguments) {
  options.value("--config-directory", arguments.directory, "Postfix's main.cf and master.cf, (default: postconf's)",
                "DIRECTORY");
  options.flag("--json", arguments.json, "for programs");
  options.flag("--fix", arguments.fix, "runs the commands that it prints, after asking");
  options.common(arguments);
}

Result<PostfixSnapshot, std::string> take_snapshot(const PostfixTools& tools) {
  auto services = tools.services();
  if (!services) return fail(services.error());
  std::vector<std::string> names = route_parameters();
  const std::vector<std::string> more = agent_parameters(*services);
  names.insert(names.end(), more.begin(), more.end());
  auto written = tools.parameters(names, false);
  auto expanded = tools.parameters(names, true);
  auto overrides = tools.overrides(false);
  auto expanded_overrides = tools.overrides(true);
  for (const auto* const part : {&written, &expanded, &overrides, &expanded_overrides}) {
    if (!*part) return fail(part->error());
  }
  return PostfixSnapshot{*std::move(services), *std::move(written), *std::move(expanded), *std::move(overrides),
                         *std::move(expanded_overrides)};
}

PostfixFinding no_service(const PostfixTools& tools) {
  const std::string entry = "relaypipe unix - n n - 20 " + exemplary_command(own_program()).text();
  return {Severity::Error, "master.cf", "no service of pipe(8) or spawn(8) runs relaypipe",
          fmt::format("{} -M {}", tools.postconf(), shell_word("relaypipe/unix=" + entry))};
}

/// A line that fixes several things is shown once, below the last of them.
std::string report(const std::string& directory, std::size_t services, const std::vector<PostfixFinding>& findings) {
  const bool terminal = stdout_is_terminal();
  std::string text;
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const PostfixFinding& finding = findings[i];
    const bool error = finding.severity == Severity::Error;
    const std::string line = fmt::format("{}: {}: {}", finding.where, error ? "error" : "warning", finding.text);
    text += coloured(line, error ? Colour::Red : Colour::Yellow, terminal) + "\n";
    const auto same = [&](const PostfixFinding& other) { return other.fix == finding.fix; };
    const bool again = std::any_of(findings.begin() + static_cast<std::ptrdiff_t>(i) + 1, findings.end(), same);
    if (!finding.fix.empty() && !again) text += fmt::format("    {}\n", finding.fix);
  }
  const auto errors = static_cast<std::size_t>(std::count_if(
      findings.begin(), findings.end(), [](const PostfixFinding& f) { return f.severity == Severity::Error; }));
  if (!findings.empty()) text += "After the changes: postfix reload\n";
  return text + fmt::format("{}: {}; {}, {}\n", directory, counted(services, "service"), counted(errors, "error"),
                            counted(findings.size() - errors, "warning"));
}

int status_of(const std::vector<PostfixFinding>& findings) {
  const bool error = std::any_of(findings.begin(), findings.end(),
                                 [](const PostfixFinding& f) { return f.severity == Severity::Error; });
  return error ? 2 : findings.empty() ? 0 : 1;
}

/// What was found in one configuration directory.
struct Diagnosis {
  std::string directory;
  std::vector<std::string> services;
  std::vector<PostfixFinding> findings;
};

void append(std::vector<PostfixFinding>& findings, std::vector<PostfixFinding> more) {
  for (PostfixFinding& finding : more) {
    if (std::find(findings.begin(), findings.end(), finding) == findings.end()) findings.push_back(std::move(finding));
  }
}

Result<Diagnosis, std::string> diagnose(const DoctorArguments& arguments, const PostfixTools& tools) {
  const auto postfix = take_snapshot(tools);
  if (!postfix) return fail(postfix.error());
  const auto set = tools.set_parameters(client_parameters());
  if (!set) return fail(set.error());
  Diagnosis diagnosis{value_of(postfix->expanded, "config_directory"), {}, {}};
  const std::vector<AgentService> agents = find_agents(*postfix, arguments, diagnosis.findings);
  RoutesSeen routes = examine_routes(agents, *postfix, tools);
  for (const AgentService& agent : agents) {
    diagnosis.services.push_back(agent.service.key());
    append(diagnosis.findings, examine(agent, routes.clients[agent.service.key()], *postfix, tools));
    if (first_error(agent.loaded.problems) == nullptr)
      append(diagnosis.findings, judge_client_parameters(*set, agent.loaded.configuration));
  }
  if (agents.empty()) diagnosis.findings.push_back(no_service(tools));
  append(diagnosis.findings, std::move(routes.findings));
  return diagnosis;
}

/// The commands of the findings, each once, in the order in which they are printed.
std::vector<std::string> commands_of(const std::vector<PostfixFinding>& findings) {
  std::vector<std::string> commands;
  for (const PostfixFinding& finding : findings) {
    const bool known = std::find(commands.begin(), commands.end(), finding.fix) != commands.end();
    if (!finding.fix.empty() && !known) commands.push_back(finding.fix);
  }
  return commands;
}

int run(const DoctorArguments& arguments) {
  if (arguments.fix && arguments.json) return refuse("--fix asks a person, so it does not go with --json");
  const PostfixTools tools(arguments.directory.value_or(""));
  auto diagnosis = diagnose(arguments, tools);
  const auto tell = [&] {
    write_text(arguments.json ? doctor_json(diagnosis->directory, diagnosis->services, diagnosis->findings)
                              : report(diagnosis->directory, diagnosis->services.size(), diagnosis->findings));
  };
  if (diagnosis) tell();
  if (diagnosis && arguments.fix && run_fixes(commands_of(diagnosis->findings), tools.postfix_reload())) {
    // What is left is found by looking again, not by believing the commands.
    diagnosis = diagnose(arguments, tools);
    if (diagnosis) tell();
  }
  if (diagnosis) return status_of(diagnosis->findings);
  return refuse_as(arguments.json, diagnosis.error());
}

}  // namespace

const Command kDoctorCommand{
    "doctor", "what is wrong with Postfix's side, and the command that fixes it",
    "Says what is wrong with the way Postfix is set up for relaypipe, and the command that puts it right. Changes "
    "nothing but with --fix. Exit status: 0 nothing, 1 warnings, 2 errors.",
    start<DoctorArguments, declare, run>};

}  // namespace relaypipe
