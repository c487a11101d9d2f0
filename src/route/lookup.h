#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip_address.h"

namespace relaypipe {

enum class RecordType { A, Aaaa, Mx, Srv };

/// One DNS question. Addresses may be answered from the hosts file too.
struct Query {
  RecordType type;
  std::string name;

  friend bool operator==(const Query&, const Query&) = default;
};

/// What the world answered. Only the first two say something about the name.
enum class LookupStatus {
  Ok,
  NotFound,  ///< NXDOMAIN: the name does not exist
  NoData,    ///< the name exists and has no such record
  Failed,    ///< SERVFAIL, REFUSED, a time-out, no server, a malformed answer: it says nothing
};

struct MxRecord {
  std::uint16_t preference;
  std::string host;  ///< empty for the root, which makes a null MX (RFC 7505)
};

struct SrvRecord {
  std::uint16_t priority;
  std::uint16_t weight;
  std::uint16_t port;
  std::string host;  ///< empty for the root: the service is decidedly not offered (RFC 2782)
};

struct Answer {
  LookupStatus status = LookupStatus::Failed;
  std::string detail;  ///< the resolver's words when it is not Ok
  std::vector<IpAddress> addresses;
  std::vector<MxRecord> mx;
  std::vector<SrvRecord> srv;
};

}  // namespace relaypipe
