#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "command/probe/result.h"
#include "config/configuration.h"
#include "message/address.h"

namespace relaypipe {

/// What is to be probed, and how.
struct ProbeOrder {
  const Configuration& configuration;  ///< that the relays are of; outlives it
  std::vector<Relay> relays;
  std::optional<Address> mail_from;  ///< asked about with MAIL and RSET
  std::optional<Address> rcpt_to;    ///< asked about with RCPT between them; needs `mail_from`
  Duration limit{};                  ///< the longest the whole may take
  /// Told where it stands, again and again; empty: nobody watches.
  std::function<void(std::string_view)> progress;
};

/// Opens a session to every address of every relay, all at the same time, by the same means as a delivery, and ends
/// each without sending mail.
std::vector<RelayProbe> run_probes(const ProbeOrder& order);

}  // namespace relaypipe
