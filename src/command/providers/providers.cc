#include "command/providers/providers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/printable.h"
#include "command/providers/json.h"
#include "http/provider_api.h"
#include "io/system/standard_streams.h"
#include "relay/provider.h"
#include "relay/provider_ports.h"
#include "relay/reply_words.h"
#include "verdict/answer_rules.h"
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
  for (const Provider& provider : providers()) {
    const ProviderApi* const api = find_provider_api(provider.name);
    text += fmt::format("{:<17}{:<48}{}{}\n", provider.name, provider.title, fmt::join(provider.hosts, ", "),
                        api != nullptr ? fmt::format(", https:{}", api->host) : "");
  }
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

/// `https:email.REGION.amazonaws.com; region; at most 31457280 octets and 50 recipients; ...`.
std::string interface_report(const ProviderApi& api) {
  std::string text = fmt::format("https:{}", api.host);
  for (const std::string_view host : api.other_hosts)
    text += fmt::format(" or https:{}", host);
  if (!api.needs.empty()) text += fmt::format("; needs {}", api.needs);
  text += fmt::format("; at most {} octets and {} recipients", max_message(api), api.max_recipients);
  if (api.recipients_in_header) text += "; only where the header names nobody but the recipients";
  if (!api.takes_null_sender) text += "; no bounces";
  return text + fmt::format(" ({})", api.source);
}

std::string answer_report(const AnswerRow& row) {
  std::string text = fmt::format("  {:<20}{}", cause_name(row.means.cause), row.status.empty() ? "any" : row.status);
  if (!row.code.empty()) text += fmt::format(" {}", row.code);
  if (!row.match.empty()) text += fmt::format(" /{}/", row.match);
  if (const std::string until = until_text(row.until); !until.empty()) text += fmt::format(", until {}", until);
  return text + fmt::format(" ({})\n", row.evidence);
}

/// What the interface answers, where there is one.
std::string answers(const Provider& provider) {
  if (find_provider_api(provider.name) == nullptr) return {};
  std::string text = "answers over HTTPS:\n";
  for (const AnswerRow& row : answer_rows()) {
    if (belongs_to(row, provider.name)) text += answer_report(row);
  }
  return text;
}

/// `587, 2525, 465 (TLS) (https://...)`.
std::string ports(const Provider& provider) {
  const ProviderPorts* const known = find_provider_ports(provider.name);
  if (known == nullptr) return {};
  std::string text;
  for (const ProviderPort& port : known->ports)
    text += fmt::format("{}{}{}", text.empty() ? "" : ", ", port.port, port.implicit_tls ? " (TLS)" : "");
  return fmt::format("{} ({})", text, known->source);
}

std::string details(const Provider& provider) {
  std::string text = fmt::format("{}: {}\n", provider.name, provider.title);
  const auto row = [&](std::string_view label, std::string_view what) {
    if (!what.empty()) text += fmt::format("  {:<20}{}\n", label, what);
  };
  row("hosts", fmt::format("{}", fmt::join(provider.hosts, ", ")));
  if (const ProviderApi* const api = find_provider_api(provider.name)) row("https", interface_report(*api));
  row("ports", ports(provider));
  row("rate", provider.rate);
  row("quota", provider.quota);
  row("connections", provider.connections);
  row("token_endpoint", provider.token_endpoint);
  row("device_endpoint", provider.device_endpoint);
  row("scope", provider.scope);
  row("source", provider.source);
  std::string replies;
  for (const ReplyRow& reply : provider_rows()) {
    if (belongs_to(reply, provider.name)) replies += row_report(reply);
  }
  if (!replies.empty()) text += "replies:\n" + replies;
  return text + answers(provider);
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
