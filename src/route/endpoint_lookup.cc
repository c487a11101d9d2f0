#include "route/endpoint_lookup.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"

namespace relaypipe {
namespace {

/// How long the addresses of one IP version wait for those of the other (RFC 8305 section 3, "Resolution Delay").
constexpr Duration kResolutionDelay = std::chrono::milliseconds(50);
constexpr std::uint16_t kSmtpPort = 25;

std::string type_name(RecordType type) {
  switch (type) {
    case RecordType::A: return "A";
    case RecordType::Aaaa: return "AAAA";
    case RecordType::Mx: return "MX";
    case RecordType::Srv: break;
  }
  return "SRV";
}

std::string explain(const std::string& name, RecordType type, const Answer& answer) {
  return fmt::format("name={} type={}: {}", printable(name), type_name(type), printable(answer.detail));
}

bool has_addresses(const std::optional<Answer>& answer) {
  return answer && answer->status == LookupStatus::Ok && !answer->addresses.empty();
}

/// RFC 2782: by priority; inside one priority by weighted draws, a weight of 0 having a small chance.
std::vector<SrvRecord> srv_order(std::vector<SrvRecord> records, Random& random) {
  std::stable_sort(records.begin(), records.end(),
                   [](const auto& a, const auto& b) { return a.priority < b.priority; });
  std::vector<SrvRecord> ordered;
  while (!records.empty()) {
    const auto tier_end = std::find_if(records.begin(), records.end(),
                                       [&](const SrvRecord& r) { return r.priority != records.front().priority; });
    std::uint64_t sum = 0;
    for (auto it = records.begin(); it != tier_end; ++it)
      sum += it->weight + 1U;
    std::uint64_t draw = random.below(sum);
    auto chosen = records.begin();
    while (draw >= chosen->weight + 1U)
      draw -= (chosen++)->weight + 1U;
    ordered.push_back(*chosen);
    records.erase(chosen);
  }
  return ordered;
}

}  // namespace

bool OwnHost::is_me(const std::string& host, const std::vector<IpAddress>& its_addresses) const {
  if (!name.empty() && lower(host) == lower(name)) return true;
  return std::any_of(its_addresses.begin(), its_addresses.end(), [&](const IpAddress& address) {
    return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
  });
}

EndpointLookup::EndpointLookup(const Relay& relay, const OwnHost& self, Random random, Instant now)
    : relay_(&relay), self_(&self), random_(random), end_(now + relay.settings->resolve_limit), last_answer_(now) {
  const Destination& destination = relay.destination;
  const bool srv = destination.lookup == Lookup::Srv || (destination.lookup == Lookup::Mx && relay.settings->srv);
  if (srv) {
    list(RecordType::Srv, (destination.implicit_tls ? "_submissions._tcp." : "_submission._tcp.") + destination.host);
  } else if (destination.lookup == Lookup::Mx) {
    list(RecordType::Mx, destination.host);
  } else {
    add_host(destination.host, 0, destination.port);
  }
}

void EndpointLookup::ask(RecordType type, const std::string& name) { questions_.push_back({type, name}); }

void EndpointLookup::list(RecordType type, const std::string& name) {
  ask(type, name);
  listing_ = questions_.back();
}

void EndpointLookup::add_host(const std::string& name, std::uint16_t preference, std::uint16_t port) {
  Host host{name, preference, port, {}, {}, {}};
  // An MX record with an address instead of a name is wrong, and smtp(8) uses it all the same (dns_lookup.c, "numeric
  // domain name").
  if (const auto address = parse_ip_address(name)) {
    const IpVersion excluded = address->v6 ? IpVersion::V4 : IpVersion::V6;
    if (relay_->settings->ip != excluded) host.literal.push_back(*address);
  } else {
    const IpVersion ip = relay_->settings->ip;
    const bool twin = std::any_of(hosts_.begin(), hosts_.end(), [&](const Host& other) { return other.name == name; });
    host.v6.asked = ip != IpVersion::V4;
    host.v4.asked = ip != IpVersion::V6;
    if (host.v6.asked && !twin) ask(RecordType::Aaaa, name);
    if (host.v4.asked && !twin) ask(RecordType::A, name);
  }
  hosts_.push_back(std::move(host));
}

std::vector<Query> EndpointLookup::take_queries() { return std::exchange(questions_, {}); }

bool EndpointLookup::answer(const Query& query, const Answer& answer, Instant now) {
  if (query == listing_) {
    last_answer_ = now;
    listing_.reset();
    query.type == RecordType::Mx ? on_mx(answer) : on_srv(answer);
    return !failure_;
  }
  bool found = false;
  for (Host& host : hosts_) {
    Family& family = query.type == RecordType::A ? host.v4 : host.v6;
    const bool of_addresses = query.type == RecordType::A || query.type == RecordType::Aaaa;
    if (!of_addresses || host.name != query.name || !family.asked) continue;
    last_answer_ = now;
    family.answer = answer;
    found = found || has_addresses(family.answer);
  }
  return found;
}

void EndpointLookup::on_mx(const Answer& answer) {
  const Destination& destination = relay_->destination;
  switch (answer.status) {
    case LookupStatus::Ok: return add_mx_hosts(answer.mx);
    // The hosts file may know a name that DNS does not; one that neither knows is judged by the answer for its
    // addresses.
    case LookupStatus::NoData:
    case LookupStatus::NotFound: return add_host(destination.host, 0, destination.port);
    case LookupStatus::Failed:
      return fail_with(SessionError::LookupFailed, explain(destination.host, RecordType::Mx, answer));
  }
}

void EndpointLookup::add_mx_hosts(std::vector<MxRecord> records) {
  by_mx_ = true;
  if (records.size() == 1 && records.front().host.empty()) {
    fail_with(SessionError::NullMx, "");
    failure_->recipient_domain = relay_->recipient_domain;
    return;
  }
  random_.shuffle(records);
  std::stable_sort(records.begin(), records.end(),
                   [](const auto& a, const auto& b) { return a.preference < b.preference; });
  for (const MxRecord& record : records) {
    if (!record.host.empty()) add_host(lower(record.host), record.preference, relay_->destination.port);
  }
}

void EndpointLookup::on_srv(const Answer& answer) {
  const Destination& destination = relay_->destination;
  const auto refuses = [](const SrvRecord& record) { return record.host.empty(); };
  switch (answer.status) {
    case LookupStatus::Ok:
      if (std::all_of(answer.srv.begin(), answer.srv.end(), refuses)) {
        // It says nothing about mail at port 25, so nothing about the recipient either.
        return fail_with(SessionError::NotFound,
                         fmt::format("name={} type=SRV: the service is not offered", destination.host));
      }
      for (const SrvRecord& record : srv_order(answer.srv, random_)) {
        if (!refuses(record)) add_host(lower(record.host), record.priority, record.port);
      }
      return;
    case LookupStatus::Failed:
      return fail_with(SessionError::LookupFailed, explain(destination.host, RecordType::Srv, answer));
    case LookupStatus::NotFound:
    case LookupStatus::NoData: return list(RecordType::Mx, destination.host);
  }
}

void EndpointLookup::fail_with(SessionError error, std::string detail) {
  failure_ = SessionFailure{.stage = Stage::Resolve, .error = error, .detail = std::move(detail)};
}

bool EndpointLookup::answered(Instant now) const {
  const bool waited = now >= last_answer_ + kResolutionDelay;
  return std::all_of(hosts_.begin(), hosts_.end(), [&](const Host& host) {
    const bool v4 = !host.v4.asked || host.v4.answer;
    const bool v6 = !host.v6.asked || host.v6.answer;
    return (v4 && v6) || (waited && (has_addresses(host.v4.answer) || has_addresses(host.v6.answer)));
  });
}

Instant EndpointLookup::wake(Instant now) const {
  const Instant settled = last_answer_ + kResolutionDelay;
  return settled > now ? std::min(end_, settled) : end_;
}

std::vector<IpAddress> EndpointLookup::addresses_of(const Host& host) const {
  if (!host.literal.empty()) return host.literal;
  std::vector<IpAddress> v6 = has_addresses(host.v6.answer) ? host.v6.answer->addresses : std::vector<IpAddress>{};
  std::vector<IpAddress> v4 = has_addresses(host.v4.answer) ? host.v4.answer->addresses : std::vector<IpAddress>{};
  Random random = random_;
  random.shuffle(v6);
  random.shuffle(v4);
  std::vector<IpAddress> mixed;
  for (std::size_t i = 0; i < std::max(v6.size(), v4.size()); ++i) {
    if (i < v6.size()) mixed.push_back(v6[i]);
    if (i < v4.size()) mixed.push_back(v4[i]);
  }
  return mixed;
}

/// Why no host has an address: a failed lookup outranks "there is none", because it says nothing about the name.
SessionFailure EndpointLookup::why_none() const {
  SessionFailure none{.stage = Stage::Resolve,
                      .error = SessionError::NotFound,
                      .detail = fmt::format("name={}: no address of the IP version in use", relay_->destination.host)};
  bool unknown_name = true;
  for (const Host& host : hosts_) {
    for (const auto& [type, family] : {std::pair{RecordType::Aaaa, &host.v6}, std::pair{RecordType::A, &host.v4}}) {
      if (!family->answer) continue;
      unknown_name = unknown_name && family->answer->status == LookupStatus::NotFound;
      const bool failed = family->answer->status == LookupStatus::Failed;
      if (none.error == SessionError::LookupFailed && !failed) continue;
      none.error = failed ? SessionError::LookupFailed : SessionError::NotFound;
      none.detail = explain(host.name, type, *family->answer);
    }
  }
  // MX hosts without addresses are somebody's mistake that will be fixed. A domain that does not exist, or that has
  // neither MX nor an address (if both kinds were asked for), takes no mail.
  const bool takes_none = unknown_name || relay_->settings->ip == IpVersion::Any;
  none.recipient_domain = relay_->recipient_domain && !by_mx_ && none.error == SessionError::NotFound && takes_none;
  return none;
}

/// The best of the hosts that are this machine. Only on port 25: elsewhere it is another service of ours.
const EndpointLookup::Host* EndpointLookup::own() const {
  const auto it = std::find_if(hosts_.begin(), hosts_.end(), [&](const Host& host) {
    return host.port == kSmtpPort && self_->is_me(host.name, addresses_of(host));
  });
  return it == hosts_.end() ? nullptr : &*it;
}

bool EndpointLookup::is_own_domain(Instant now) const { return by_mx_ && result(now).has_value() && own() != nullptr; }

/// What may be dialled, in order: nothing that is this machine, or stands as low as it.
std::vector<Endpoint> EndpointLookup::endpoints() const {
  const std::uint64_t limit = relay_->settings->mx_address_limit;
  const Host* self = own();
  std::vector<Endpoint> found;
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    if (self != nullptr && hosts_[i].preference >= self->preference) break;
    for (const IpAddress& address : addresses_of(hosts_[i])) {
      if (limit != 0 && found.size() >= limit) return found;
      found.push_back({hosts_[i].name, address, hosts_[i].port, i, hosts_[i].preference});
    }
  }
  return found;
}

std::optional<Result<std::vector<Endpoint>, SessionFailure>> EndpointLookup::result(Instant now) const {
  using Found = Result<std::vector<Endpoint>, SessionFailure>;
  if (failure_) return Found(fail(*failure_));
  const bool complete = !listing_ && answered(now);
  if (now < end_ && !complete) return std::nullopt;
  std::vector<Endpoint> found = endpoints();
  if (!found.empty()) return Found(std::move(found));
  if (const Host* self = own()) {
    const bool best = hosts_.front().preference == self->preference;
    return Found(fail(SessionFailure{
        .stage = Stage::Resolve, .error = best ? SessionError::LoopsBack : SessionError::NoPrimary, .detail = ""}));
  }
  if (complete) return Found(fail(why_none()));
  return Found(fail(SessionFailure{
      .stage = Stage::Resolve, .error = SessionError::TimedOut, .detail = "no answer from DNS in time"}));
}

}  // namespace relaypipe
