#include "command/providers/providers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/printable.h"
#include "command/providers/json.h"
#include "io/system/standard_streams.h"
#include "relay/provider.h"
#include "relay/reply_words.h"
#include "verdict/reply_rules.h"

namespace relaypipe {
namespace {

struct ProvidersArguments {
  std::optional<std::string> name;  ///< nothing: all
  bool json = false;
};

void declare(Options& options, ProvidersArguments& arguments) {
  options.word("NAME", arguments.name, "one of them (default: all)");
  options.flag("--json", arguments.json, "for programs");
}

std::string list() {
  std::string text;
  for (const Provider& provider : providers())
    text += fmt::format("{:<17}{:<48}{}\n", provider.name, provider.title, fmt::join(provider.hosts, ", "));
  return text;
}

std::string row_report(const ReplyRow& row) {
  std::string text = fmt::format("  {:<20}{}", cause_name(row.means.cause), row.code);
  if (!row.status.empty()) text += fmt::format(" {}", row.status);
  if (!row.match.empty()) text += fmt::format(" /{}/", row.match);
  text += row.stages.empty() ? ", any stage" : fmt::format(", {}", row.stages);
  if (const std::string until = until_text(row.until); !until.empty()) text += fmt::format(", until {}", until);
  return text + fmt::format(" ({})\n", row.evidence);
}

std::string details(const Provider& provider) {
  std::string text = fmt::format("{}: {}\n", provider.name, provider.title);
  const auto row = [&](std::string_view label, std::string_view what) {
    if (!what.empty()) text += fmt::format("  {:<20}{}\n", label, what);
  };
  row("hosts", fmt::format("{}", fmt::join(provider.hosts, ", ")));
  row("rate", provider.rate);
  row("quota", provider.quota);
  row("connections", provider.connections);
  row("token_endpoint", provider.token_endpoint);
  row("device_endpoint", provider.device_endpoint);
  row("scope", provider.scope);
  row("source", provider.source);
  text += "replies:\n";
  for (const ReplyRow& reply : provider_rows()) {
    if (belongs_to(reply, provider.name)) text += row_report(reply);
  }
  return text;
}

int run(const ProvidersArguments& arguments) {
  const Provider* const provider = arguments.name ? find_provider(*arguments.name) : nullptr;
  if (arguments.name && provider == nullptr) {
    return refuse_as(arguments.json, fmt::format("there is no provider {}; `relaypipe providers` lists them",
                                                 printable(*arguments.name)));
  }
  if (arguments.json) {
    write_text(providers_json(provider));
  } else {
    write_text(provider == nullptr ? list() : details(*provider));
  }
  return kDone;
}

}  // namespace

const Command kProvidersCommand{
    "providers", "the providers that are known, and what each brings",
    "Shows the providers that are known, and what one of them brings. Exit status: 0 shown, 2 no such provider or "
    "wrong command line.",
    start<ProvidersArguments, declare, run>};

}  // namespace relaypipe
