#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/configuration.h"
#include "config/document_reader.h"

namespace relaypipe {

/// What the tables of relays are read on top of.
struct RelayContext {
  const RelaySettings& defaults;
  const ServicePort& service;
  std::span<const ReplyRule> replies;      ///< of `[defaults]`
  std::span<const std::string> overrides;  ///< assignments of the command line, known to be good or reported already
};

/// Fills the relay of a `[relay.NAME]`, whose name and position it has.
void read_relay(const Section& section, const DocumentTable& table, const RelayContext& context, RelayConfig& relay);

}  // namespace relaypipe
