#pragma once

#include <string>

namespace relaypipe {

/// `text` with every time of time_text(), `2026-11-27 12:03:04 UTC`, in this machine's time zone (TZ, or
/// /etc/localtime) and with its name: `2026-11-27 13:03:04 CET`. For people; programs and the pure code have UTC.
std::string with_local_times(std::string text);

}  // namespace relaypipe
