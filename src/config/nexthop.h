#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/configuration.h"

namespace relaypipe {

/// What a nexthop names: a chain of the configuration or, where `chain` is null, a list of destinations.
struct Nexthop {
  const ChainConfig* chain = nullptr;
  std::vector<Destination> destinations;
};

/// The chain that `text` names, blanks around it ignored; null where it names none.
const ChainConfig* chain_named(const Configuration& configuration, std::string_view text);

/// Whether `text` is one name without a dot, a colon or a bracket. As a nexthop such a name is a chain or a mistake,
/// never a host: a misspelt chain must not send mail to a machine that nobody named. A host of one label is written
/// in brackets.
bool is_bare_name(std::string_view text);

/// `; did you mean outbound?` with the nearest chain; else the chains there are, or that the configuration has none, or
/// which configuration file was looked for and is not there.
std::string chain_hint(const Configuration& configuration, std::string_view name);

/// Reads a nexthop: the name of a chain (letter case counts), or a list of destinations none of which is a bare name or
/// names a chain. The error is one sentence for an administrator; it may name the configuration file.
Result<Nexthop, std::string> find_nexthop(const Configuration& configuration, std::string_view text,
                                          const ServicePort& service);

}  // namespace relaypipe
