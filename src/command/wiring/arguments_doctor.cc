#include "command/wiring/arguments_doctor.h"

#include "command/wiring/arguments_cli.h"

namespace relaypipe {

Result<DoctorArguments, NoArguments> parse_doctor_arguments(const std::vector<std::string>& words) {
  DoctorArguments arguments;
  CLI::App app(
      "Says what is wrong with the way Postfix is set up for relaypipe, and the command that puts it right. Changes "
      "nothing but with --fix. "
      "Exit status: 0 nothing, 1 warnings, 2 errors.",
      "relaypipe doctor");
  add_value(app, "--config-directory", arguments.directory, "Postfix's main.cf and master.cf, (default: postconf's)",
            "DIRECTORY");
  auto* const json = app.add_flag("--json", arguments.json, "for programs");
  app.add_flag("--fix", arguments.fix, "runs the commands that it prints, after asking")->excludes(json);
  add_common_options(app, arguments);
  if (auto none = parse_words(app, words, "relaypipe doctor")) return fail(*std::move(none));
  return arguments;
}

}  // namespace relaypipe
