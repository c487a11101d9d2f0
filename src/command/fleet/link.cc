#include "command/fleet/link.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>

#include "io/cares_resolver.h"
#include "io/credentials/file.h"
#include "io/system/poll_event_loop.h"
#include "relay/host.h"
#include "relay/units.h"

namespace relaypipe {
namespace {

using Replies = Result<std::vector<StoreReply>, std::string>;

/// Where a server of a cluster sends us for a key: `MOVED 3999 192.0.2.7:6381`.
std::optional<StoreAddress> moved_to(const Replies& replies, const StoreAddress& from) {
  if (!replies) return std::nullopt;
  const auto moved =
      std::find_if(replies->begin(), replies->end(), [](const StoreReply& reply) { return reply.is_error("MOVED "); });
  if (moved == replies->end()) return std::nullopt;
  const std::string& text = moved->text;
  const std::size_t blank = text.rfind(' ');
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos || colon < blank) return std::nullopt;
  const auto port = parse_count(text.substr(colon + 1), 1, 65'535);
  if (!port) return std::nullopt;
  StoreAddress to = from;
  to.way = from.way == StoreAddress::Way::Tls ? from.way : StoreAddress::Way::Tcp;
  // Without a host it is the one we asked.
  if (colon > blank + 1) to.host = text.substr(blank + 1, colon - blank - 1);
  to.port = static_cast<std::uint16_t>(*port);
  return to;
}

}  // namespace

FleetLink::FleetLink(const FleetConfig& fleet, const RunSettings& settings, const Clock& clock)
    : fleet_(fleet), settings_(settings), clock_(clock) {}

Result<std::vector<std::string>, std::string> FleetLink::addresses_of(const StoreAddress& address, Instant end) const {
  if (address.way == StoreAddress::Way::Unix) return std::vector<std::string>();
  if (address_version(address.host)) return std::vector{address.host};
  CaresResolver resolver({settings_.dns_servers, settings_.dns_timeout});
  PollEventLoop event_loop(clock_, {&resolver});
  for (const RecordType type : {RecordType::A, RecordType::Aaaa})
    resolver.ask({type, address.host});
  std::vector<std::string> found;
  std::string problem = "no answer from DNS in time";
  for (int answers = 0; answers < 2 && clock_.now() < end;) {
    for (const LookupEvent& event : resolver.take_answers()) {
      ++answers;
      for (const IpAddress& ip : event.answer.addresses)
        found.push_back(ip.text());
      if (!event.answer.detail.empty()) problem = event.answer.detail;
    }
    if (answers < 2) event_loop.wait(end);
  }
  if (found.empty()) return fail(fmt::format("{} was not found: {}", address.host, problem));
  return found;
}

std::optional<std::string> FleetLink::open(const StoreAddress& address) {
  const Instant end = clock_.now() + fleet_.timeout;
  StoreLogin login{.user = fleet_.user, .password = {}, .database = address.database};
  if (!fleet_.password_file.empty()) {
    const auto file = expand_secret_path(fleet_.password_file);
    if (!file) return file.error();
    auto password = read_secret_file(*file, FileReader::self());
    if (!password) return password.error();
    login.password = *std::move(password);
  }
  auto addresses = addresses_of(address, end);
  if (!addresses) return addresses.error();
  ChannelTarget target{
      .addresses = *std::move(addresses), .port = address.port, .path = address.path, .tls_name = {}, .ca_file = {}};
  if (address.way == StoreAddress::Way::Tls) {
    target.tls_name = address.host;
    target.ca_file = fleet_.ca_file;
    // OpenSSL writes to a closed connection without asking for an error value.
    signal(SIGPIPE, SIG_IGN);
  }
  client_ = std::make_unique<StoreClient>(clock_);
  auto problem = client_->open(target, login, end);
  if (problem) client_.reset();
  return problem;
}

/// Asks, and once more where a cluster's server sends us to another one. The whole has its time, two steps of it.
template <class Ask>
Replies FleetLink::ask(const Ask& ask) {
  if (!client_) {
    if (auto problem = open(fleet_.store)) return fail(*std::move(problem));
  }
  const Instant end = clock_.now() + fleet_.timeout;
  Replies replies = ask(*client_, end);
  if (const auto other = moved_to(replies, fleet_.store)) {
    if (auto problem = open(*other)) return fail(*std::move(problem));
    replies = ask(*client_, end);
  }
  if (!replies) client_.reset();
  return replies;
}

Replies FleetLink::call(std::span<const ScriptCall> calls) {
  return ask([&](StoreClient& client, Instant end) { return client.call(calls, end); });
}

Replies FleetLink::run(std::span<const StoreCommand> commands) {
  return ask([&](StoreClient& client, Instant end) { return client.run(commands, end); });
}

}  // namespace relaypipe
