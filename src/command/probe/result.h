#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/deadline.h"
#include "deliver/observer.h"
#include "relay/relay.h"
#include "smtp/session_facts.h"
#include "smtp/stage.h"
#include "verdict/attempt_result.h"

namespace relaypipe {

/// What a probe is worth: a relay with a warning would take mail today.
enum class ProbeStatus { Fine, Warning, Failed };

/// What one address of a relay showed.
struct AddressProbe {
  Peer peer;
  std::vector<std::pair<Stage, Duration>> steps;  ///< in the order of time, each stage once
  Duration total{};
  std::optional<Attempt> failure;     ///< why it would not take mail
  std::vector<std::string> warnings;  ///< sentences
  std::string greeting;               ///< the text of its first line
  std::vector<std::string> offers;    ///< the lines of the last EHLO reply but its first
  std::optional<TlsReport> tls;
  bool auth_tried = false;  ///< AUTH was said; without a failure it worked
  SessionFacts facts;       ///< of a session that became ready: the mechanism and the account that worked
  std::string mail;         ///< the reply to MAIL; empty: not said
  std::string rcpt;         ///< the reply to RCPT; empty: not said
  std::string account;      ///< what an HTTPS interface says of the account; empty: not asked

  [[nodiscard]] ProbeStatus status() const {
    if (failure) return ProbeStatus::Failed;
    return warnings.empty() ? ProbeStatus::Fine : ProbeStatus::Warning;
  }
};

/// What another port of the relay's provider showed at one address. Tried only where the relay's own does not connect.
struct OtherPortProbe {
  Relay relay;  ///< with the destination that would lead there
  AddressProbe address;
};

/// What one relay showed at all of its addresses.
struct RelayProbe {
  Relay relay;
  Duration lookup{};
  std::optional<Attempt> unresolved;  ///< why there is no address
  std::vector<AddressProbe> addresses;
  std::vector<OtherPortProbe> other_ports;  ///< in the order of preference, address by address

  /// One address that works is enough for mail to go.
  [[nodiscard]] ProbeStatus status() const {
    bool fine = !addresses.empty();
    bool works = false;
    for (const AddressProbe& address : addresses) {
      fine = fine && address.status() == ProbeStatus::Fine;
      works = works || address.status() != ProbeStatus::Failed;
    }
    if (!works) return ProbeStatus::Failed;
    return fine ? ProbeStatus::Fine : ProbeStatus::Warning;
  }
};

}  // namespace relaypipe
