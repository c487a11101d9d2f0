#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "message/envelope.h"

namespace relaypipe {

/// What every command knows: where the configuration is, and what stands above it.
struct CommonArguments {
  std::optional<std::string> config;
  std::vector<std::string> settings;  ///< `name=value`, in their order
};

/// The command line of a delivery, unchecked: what Postfix or a person wrote.
struct Arguments : CommonArguments {
  std::optional<std::string> nexthop;
  std::optional<std::string> size;
  std::optional<std::string> sender;
  std::string queue_id;
  ClientInfo client;
  std::vector<std::string> recipients;
  bool verbose = false;
};

/// The command line of the tools, unchecked; each uses what it needs.
struct ToolArguments : CommonArguments {
  std::optional<std::string> nexthop;
  std::optional<std::string> size;
  std::optional<std::string> sender;
  std::vector<std::string> recipients;
  std::optional<std::string> recipient;  ///< of `probe`, which asks about one
  std::vector<std::string> words;        ///< what stands without an option: relays, chains, lists; a reply
  std::optional<std::string> timeout;
  std::optional<std::string> relay;
  std::optional<std::string> provider;
  std::optional<std::string> stage;
  bool explain = false;
  bool resolve = false;
  bool json = false;
};

/// The command line of `relaypipe token`.
struct TokenArguments : CommonArguments {
  std::string relay;  ///< empty: all
  bool refresh = false;
  bool authorize = false;
  bool json = false;
};

/// Text that was asked for instead of a delivery, and nothing else was: `--help` or `--version` as the only argument.
/// In any other place they are usage errors, because their exit status 0 would tell Postfix that the message is
/// delivered.
std::optional<std::string> information(const std::vector<std::string>& words);

/// Reads the words after the program's name. The value of an option is the next word, whatever it looks like: an
/// address may begin with `-` and a client address may be empty. The error is a sentence.
Result<Arguments, std::string> parse_arguments(const std::vector<std::string>& words);

/// Why there are no arguments: what is wrong, or the help text where that was asked for.
struct NoArguments {
  std::string text;
  bool asked = false;
};

/// The same for the words after the name of a tool.
Result<ToolArguments, NoArguments> parse_plan_arguments(const std::vector<std::string>& words);
Result<ToolArguments, NoArguments> parse_check_arguments(const std::vector<std::string>& words);
Result<ToolArguments, NoArguments> parse_probe_arguments(const std::vector<std::string>& words);
Result<ToolArguments, NoArguments> parse_classify_arguments(const std::vector<std::string>& words);
Result<ToolArguments, NoArguments> parse_providers_arguments(const std::vector<std::string>& words);
Result<TokenArguments, NoArguments> parse_token_arguments(const std::vector<std::string>& words);

}  // namespace relaypipe
