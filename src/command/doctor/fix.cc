#include "command/doctor/fix.h"

#include <fmt/format.h>

#include "base/deadline.h"
#include "base/printable.h"
#include "command/wiring/text.h"
#include "io/system/standard_streams.h"
#include "io/system/tool_output.h"

namespace relaypipe {
namespace {

/// postconf(1) takes a moment; a command that waits for something must not keep the terminal for ever.
constexpr Duration kLimit = std::chrono::minutes(2);

/// Runs one command and shows it with what it prints; whether it succeeded.
bool run_command(const std::string& command) {
  write_text("+ " + command + "\n");
  const auto output = run_tool({"sh", "-c", command}, kLimit);
  if (!output) {
    write_text(output.error() + "\n");
    return false;
  }
  write_text(output->out + output->err);
  if (output->status != 0) write_text(fmt::format("ended with exit status {}\n", output->status));
  return output->status == 0;
}

}  // namespace

bool run_fixes(const std::vector<std::string>& commands, const std::string& reload) {
  if (commands.empty()) return false;
  write_text(fmt::format("Run the {} above? [y/N] ", counted(commands.size(), "command")));
  const std::string answer = lower(read_line());
  if (answer != "y" && answer != "yes") {
    write_text("Nothing was changed.\n");
    return false;
  }
  for (const std::string& command : commands) {
    if (!run_command(command)) {
      write_text("The commands after it were not run.\n");
      return true;
    }
  }
  if (!run_command(reload)) write_text("Postfix was not reloaded; it reads the changes when it starts.\n");
  return true;
}

}  // namespace relaypipe
