#include "command/help.h"

#include "command/arguments.h"
#include "command/commands.h"
#include "config/setting_keys.h"
#include "io/curl/library.h"
#include "io/system/standard_streams.h"

namespace relaypipe {
namespace {

std::string row(std::string_view name, std::size_t width, std::string_view what) {
  return "  " + std::string(name) + std::string(std::max(width, name.size() + 1) - name.size(), ' ') +
         std::string(what) + "\n";
}

int run_help(const Command& /*command*/, const std::vector<std::string>& words) {
  if (words.empty() || words.front().starts_with('-')) {
    write_text(help_text());
    return kDone;
  }
  const Command* const command = find_command(words.front());
  if (command == nullptr) return refuse(no_command(words.front()));
  return command->run({"--help"});
}

}  // namespace

std::string help_text() {
  std::string text = delivery_help() + "\nOther commands (each with --help):\n";
  for (const Command* const command : commands())
    text += row("relaypipe " + std::string(command->name), 28, command->purpose);
  text += "\nSettings for -o:\n";
  for (const SettingKey& key : settings_table()) {
    if (key.scope == SettingScope::OwnRelay) continue;
    text += row(key.name, 20, key.help);
  }
  return text;
}

std::optional<std::string> information(const std::vector<std::string>& words) {
  if (words.size() != 1) return std::nullopt;
  if (words.front() == "--help" || words.front() == "-h") return help_text();
  if (words.front() == "--version") return "relaypipe " RELAYPIPE_VERSION "\n" + libcurl_version() + "\n";
  return std::nullopt;
}

const Command kHelpCommand{"help", "this text, or that of a command", "", run_help};

}  // namespace relaypipe
