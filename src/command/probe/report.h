#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "command/probe/result.h"

namespace relaypipe {

/// How much of a certificate's time is left, in whole days; negative when it has ended. `now` in seconds since 1970.
std::int64_t days_left(const TlsReport& tls, std::int64_t now);

/// `ok`, `warn` or `FAIL`.
std::string_view word_of(ProbeStatus status);

/// What AUTH showed: `works`, `failed`, `not reached` or `not configured`.
std::string_view auth_of(const RelayProbe& relay, const AddressProbe& address);

/// The probes for a person: every line of a relay or address begins with its mark, and the last lines say which relays
/// would fail and why. `columns` of the terminal, which gets colours; 0: a file or a pipe, whose lines are whole.
std::string probe_text(const std::vector<RelayProbe>& probes, std::int64_t now, std::size_t columns);

}  // namespace relaypipe
