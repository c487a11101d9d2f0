#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "command/wiring/options.h"
#include "message/envelope.h"

namespace relaypipe {

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

/// Reads the words after the program's name. The error is a sentence.
Result<Arguments, std::string> parse_arguments(const std::vector<std::string>& words);

/// The options of a delivery, as `relaypipe --help` begins.
std::string delivery_help();

}  // namespace relaypipe
