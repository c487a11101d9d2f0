#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/ip_address.h"
#include "base/random.h"
#include "base/result.h"
#include "relay/relay.h"
#include "route/lookup.h"
#include "verdict/attempt_result.h"

namespace relaypipe {

/// One address and port of a relay.
struct Endpoint {
  std::string
      host;  ///< the name that the relay's certificate has to bear; the address itself for a literal destination
  IpAddress address;
  std::uint16_t port = 0;
  std::size_t host_index =
      0;  ///< endpoints of one host share it: a failed transaction is not repeated at its other addresses
  std::uint16_t preference = 0;  ///< of its MX record, or the priority of its SRV record; less is better

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// The names and addresses of this machine, for loop detection (Postfix: myhostname, inet_interfaces,
/// proxy_interfaces).
struct OwnHost {
  std::string name;
  std::vector<IpAddress> addresses;

  [[nodiscard]] bool is_me(const std::string& host, const std::vector<IpAddress>& its_addresses) const;
};

/// How one relay is found: from its destination to an ordered list of endpoints, by questions and answers, without I/O.
///
/// The rules are RFC 5321 5.1's and smtp(8)'s (smtp_addr.c): MX by preference, equal ones shuffled; no MX: the
/// addresses of the name; `[host]`: addresses only; SRV in RFC 2782's order where asked for, and MX where there is no
/// SRV record. IPv6 and IPv4 alternate inside a host (RFC 8305 section 4). On port 25, the hosts that are this machine,
/// and all of equal or worse preference, are dropped from an MX list.
class EndpointLookup {
 public:
  EndpointLookup(const Relay& relay, const OwnHost& self, Random random, Instant now);

  /// Questions to ask now; each is handed out once.
  std::vector<Query> take_queries();
  /// An answer to a question of this relay; others are ignored. Whether it brought the search on.
  bool answer(const Query& query, const Answer& answer, Instant now);
  /// When result() may change without an answer.
  [[nodiscard]] Instant wake(Instant now) const;
  /// Whether this machine is among the MX hosts of the domain: relays of last resort must then not be used for it
  /// (Postfix, STANDARD_CONFIGURATION_README, "backup MX").
  [[nodiscard]] bool is_own_domain(Instant now) const;
  /// The endpoints, at most mx_address_limit of them, or why there are none; nothing while answers that matter are
  /// missing.
  [[nodiscard]] std::optional<Result<std::vector<Endpoint>, SessionFailure>> result(Instant now) const;

 private:
  struct Family {
    bool asked = false;
    std::optional<Answer> answer;
  };
  struct Host {
    std::string name;
    std::uint16_t preference = 0;
    std::uint16_t port = 0;
    Family v4;
    Family v6;
    std::vector<IpAddress> literal;
  };

  void ask(RecordType type, const std::string& name);
  void list(RecordType type, const std::string& name);
  void add_host(const std::string& name, std::uint16_t preference, std::uint16_t port);
  void on_mx(const Answer& answer);
  void on_srv(const Answer& answer);
  void add_mx_hosts(std::vector<MxRecord> records);
  void fail_with(SessionError error, std::string detail);
  [[nodiscard]] bool answered(Instant now) const;
  [[nodiscard]] std::vector<IpAddress> addresses_of(const Host& host) const;
  [[nodiscard]] SessionFailure why_none() const;
  [[nodiscard]] const Host* own() const;
  [[nodiscard]] std::vector<Endpoint> endpoints() const;

  const Relay* relay_;
  const OwnHost* self_;
  Random random_;
  Instant end_;
  Instant last_answer_;
  std::vector<Query> questions_;
  std::vector<Host> hosts_;       ///< in the order in which they are tried
  std::optional<Query> listing_;  ///< the MX or SRV question whose answer is still missing
  bool by_mx_ = false;
  std::optional<SessionFailure> failure_;
};

}  // namespace relaypipe
