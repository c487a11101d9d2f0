#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "route/resolver.h"

namespace relaypipe {

/// DNS by c-ares, without blocking: several questions at a time, over UDP and, for truncated answers, TCP. Addresses
/// are looked for in the hosts file first, as the C library does; DNS is asked for none of a name that has one there.
/// Every name is looked up as it is written, absolute: search domains (resolv.conf, LOCALDOMAIN, the machine's own
/// domain), `ndots` and HOSTALIASES do not apply. c-ares is started by the first question: most deliveries to an
/// address need none.
class CaresResolver final : public Resolver, public Pollable {
 public:
  struct Options {
    std::vector<std::string> servers;  ///< `address` or `address:port`; empty: the system's
    Duration query_timeout;            ///< one query to one server
  };
  explicit CaresResolver(Options options);
  ~CaresResolver() override;
  CaresResolver(const CaresResolver&) = delete;
  CaresResolver& operator=(const CaresResolver&) = delete;

  void ask(const Query& query) override;
  std::vector<LookupEvent> take_answers() override;

  Instant interests(std::vector<pollfd>& fds, Instant now) override;
  void serve(std::span<const pollfd> fds, Instant now) override;

 private:
  class Channel;
  void ask_again(const Query& query);

  Options options_;
  std::unique_ptr<Channel> channel_;
  std::unique_ptr<Channel>
      second_;  ///< for questions that no server answered well: takes the first answer, good or bad
};

}  // namespace relaypipe
