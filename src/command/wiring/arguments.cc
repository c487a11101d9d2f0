#include "command/wiring/arguments.h"

#include "command/wiring/arguments_cli.h"
#include "command/wiring/tools.h"
#include "config/setting_keys.h"
#include "io/curl/library.h"

namespace relaypipe {
namespace {

void describe_delivery(CLI::App& app, Arguments& arguments) {
  app.set_help_flag();
  add_value(app, "--nexthop", arguments.nexthop,
            "a chain of the configuration, or relays in order of priority: [host]:port, domain, smtps:[host]",
            "CHAIN|LIST");
  add_value(app, "-f", arguments.sender, "envelope sender; '' or <> is the null sender", "SENDER");
  add_common_options(app, arguments);
  add_value(app, "--queue-id", arguments.queue_id, "Postfix's name of the message, ${queue_id}", "ID");
  add_value(app, "--size", arguments.size, "Postfix's count of the message, ${size}", "N");
  add_value(app, "--client-address", arguments.client.address, "${client_address}", "A");
  add_value(app, "--client-name", arguments.client.name, "${client_hostname}", "NAME");
  add_value(app, "--client-helo", arguments.client.helo, "${client_helo}", "NAME");
  add_value(app, "--client-port", arguments.client.port, "${client_port}", "N");
  add_value(app, "--client-protocol", arguments.client.protocol, "${client_protocol}", "P");
  add_value(app, "--sasl-username", arguments.client.sasl_username, "${sasl_username}", "USER");
  app.add_flag_function(
      "-i", [](std::int64_t) {}, "ignored, as is -oi (sendmail compatibility)");
  app.add_flag("-v", arguments.verbose, "show the dialogue on standard error");
  app.add_option("RECIPIENT", arguments.recipients, "envelope recipients, after --");
}

std::string help() {
  Arguments ignored;
  CLI::App app(
      "relaypipe: a Postfix delivery agent. Hands the message on standard input to the first relay that takes it.",
      "relaypipe");
  describe_delivery(app, ignored);
  const auto row = [](std::string_view name, std::size_t width, std::string_view what) {
    return "  " + std::string(name) + std::string(std::max(width, name.size() + 1) - name.size(), ' ') +
           std::string(what) + "\n";
  };
  std::string text = app.help() + "\nOther commands (each with --help):\n";
  for (const Tool& tool : tools()) {
    text += row("relaypipe " + std::string(tool.name), 28, tool.purpose);
  }
  text += "\nSettings for -o:\n";
  for (const SettingKey& key : settings_table()) {
    if (key.scope == SettingScope::OwnRelay) continue;
    text += row(key.name, 20, key.help);
  }
  return text;
}

}  // namespace

std::optional<std::string> information(const std::vector<std::string>& words) {
  if (words.size() != 1) return std::nullopt;
  if (words.front() == "--help" || words.front() == "-h") return help();
  if (words.front() == "--version") return "relaypipe " RELAYPIPE_VERSION "\n" + libcurl_version() + "\n";
  return std::nullopt;
}

Result<Arguments, std::string> parse_arguments(const std::vector<std::string>& words) {
  Arguments arguments;
  CLI::App app;
  describe_delivery(app, arguments);
  if (auto none = parse_words(app, words, "relaypipe")) return fail(std::move(none->text));
  return arguments;
}

}  // namespace relaypipe
