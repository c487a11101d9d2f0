#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/configuration.h"
#include "postfix/finding.h"

namespace relaypipe {

/// One way of Postfix's to a transport of ours.
struct PostfixRoute {
  std::string where;      ///< `default_transport`, or `transport_maps`, its table and the key
  std::string service;    ///< the transport: the name of a service in master.cf
  std::string nexthop;    ///< what stands behind the colon; empty: relayhost or the recipient's domain
  std::string edit;       ///< the command that writes it, `postconf -e`; empty where it stands in a table
  std::string parameter;  ///< what that command sets
};

/// The value without the double quotes around it: Postfix has no quotes here and takes them as part of a name. Nothing
/// where it has none.
std::optional<std::string> without_quotes(std::string_view value);

/// Reads `transport:nexthop`, split at the first colon (trivial-rewrite(8)). Without a colon all of it is the
/// transport.
PostfixRoute parse_route(std::string_view value, std::string where);

/// What is wrong with the nexthop: neither a chain of the configuration nor a list of destinations. One word without a
/// dot can only be meant as a chain, though it could be read as a domain.
std::optional<PostfixFinding> judge_route(const PostfixRoute& route, const Configuration& configuration,
                                          const ServicePort& service);

}  // namespace relaypipe
