#pragma once

#include <functional>
#include <string>

#include "base/event_loop.h"
#include "io/base/json_reader.h"
#include "io/cares_resolver.h"
#include "io/credentials/file.h"
#include "io/credentials/file_token_store.h"
#include "io/curl/token_client.h"
#include "io/system/system_clock.h"
#include "oauth/token_broker.h"
#include "relay/run_settings.h"

namespace relaypipe {

/// What access tokens need, put together. The resolver, the client and the broker are parts of the world that
/// PollWaiter serves, in this order.
struct TokenParts {
  TokenParts(const Clock& clock, const RunSettings& settings, Journal& journal, std::string log_id)
      : store(settings.state_directory),
        names({settings.dns_servers, settings.dns_timeout}),
        client(clock, names),
        broker({clock, wall, store, client, journal, read_json_answer,
                [reader = FileReader::self()](const std::string& file) { return read_secret_file(file, reader); }},
               std::move(log_id)) {}

  /// Hears a renewal to its end that was begun for a relay which was not needed then: it may have used up the only
  /// refresh token. Until `end` at most, and while `goes_on` says so. The results are told by now; only the process
  /// waits.
  void finish(EventLoop& event_loop, const Clock& clock, Instant end, const std::function<bool()>& goes_on) const {
    while (broker.unfinished() && clock.now() < end && goes_on())
      event_loop.wait(end);
  }

  SystemWallClock wall;
  FileTokenStore store;
  CaresResolver names;  ///< of the endpoints
  CurlTokenClient client;
  TokenBroker broker;
};

}  // namespace relaypipe
