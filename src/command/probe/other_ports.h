#pragma once

#include <string>
#include <vector>

#include "command/probe/result.h"
#include "relay/provider_ports.h"
#include "relay/relay.h"

namespace relaypipe {

/// The relay at the other ports of its provider, the one to be taken first at the beginning; none where its provider's
/// are not known, or where its hosts are those of a lookup.
std::vector<Relay> at_other_ports(const Relay& relay);

/// What the probe of other ports showed, for a person: `587 swallows packets here, 2525 answers: write destination =
/// "[smtp.mailgun.org]:2525"`. Empty where none was tried.
std::string other_ports_text(const RelayProbe& probe);

/// The destination to write instead; empty where no other port answers.
std::string better_destination(const RelayProbe& probe);

}  // namespace relaypipe
