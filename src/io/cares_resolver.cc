#include "io/cares_resolver.h"

#include <ares.h>
#include <ares_nameser.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace relaypipe {
namespace {

LookupStatus status_of(int code) {
  switch (code) {
    case ARES_SUCCESS: return LookupStatus::Ok;
    case ARES_ENOTFOUND: return LookupStatus::NotFound;
    case ARES_ENODATA: return LookupStatus::NoData;
    default: return LookupStatus::Failed;
  }
}

Answer failure(int code) { return {status_of(code), ares_strerror(code), {}, {}, {}}; }

/// c-ares writes the root, the target of a null MX and of a service that is not offered, as the empty name or as a dot.
std::string target(const char* host) {
  std::string name(host);
  if (!name.empty() && name.back() == '.') name.pop_back();
  return name;
}

}  // namespace

/// The c-ares channel and what is being asked over it.
class CaresResolver::Channel {
 public:
  /// With `any_answer` the first answer counts, whatever its code; otherwise a failing one makes c-ares ask the next
  /// server.
  Channel(const Options& options, bool any_answer) {
    ares_library_init(ARES_LIB_INIT_ALL);
    ares_options settings{};
    settings.timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(options.query_timeout).count());
    settings.tries = any_answer ? 1 : 2;
    settings.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | (any_answer ? ARES_FLAG_NOCHECKRESP : 0);
    // ares_getaddrinfo heeds ARES_FLAG_NOSEARCH from c-ares 1.22 on only. A list of search domains that is set, and
    // empty, keeps those of resolv.conf, of LOCALDOMAIN and of the machine's own name out in every version.
    settings.domains = nullptr;
    settings.ndomains = 0;
    settings.sock_state_cb = &on_socket;
    settings.sock_state_cb_data = this;
    int code = ares_init_options(
        &handle_, &settings,
        ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_FLAGS | ARES_OPT_DOMAINS | ARES_OPT_SOCK_STATE_CB);
    if (code == ARES_SUCCESS && !options.servers.empty()) {
      std::string list;
      for (const std::string& server : options.servers)
        list += (list.empty() ? "" : ",") + server;
      code = ares_set_servers_ports_csv(handle_, list.c_str());
    }
    start_error_ = code;
  }
  ~Channel() {
    if (handle_ != nullptr) ares_destroy(handle_);
    ares_library_cleanup();
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  struct Finished {
    Query query;
    int code;
    Answer answer;
  };

  void ask(const Query& query) {
    if (std::find(pending_.begin(), pending_.end(), query) != pending_.end()) return;
    if (start_error_ != ARES_SUCCESS) {
      finished.push_back({query, start_error_, failure(start_error_)});
      return;
    }
    pending_.push_back(query);
    // Freed by its callback, which c-ares calls exactly once for each question, with ARES_EDESTRUCTION at the latest.
    auto* pending = new PendingQuery{this, query};
    switch (query.type) {
      case RecordType::A: return ask_address(pending, AF_INET);
      case RecordType::Aaaa: return ask_address(pending, AF_INET6);
      case RecordType::Mx:
      case RecordType::Srv: return ask_records(pending);
    }
  }

  Instant interests(std::vector<pollfd>& fds, Instant now) const {
    if (handle_ == nullptr || pending_.empty()) return finished.empty() ? Instant::max() : now;
    for (const Socket& socket : sockets_) {
      const int events = (socket.readable ? POLLIN : 0) | (socket.writable ? POLLOUT : 0);
      fds.push_back({socket.fd, static_cast<short>(events), 0});
    }
    timeval span{};
    const timeval* next = ares_timeout(handle_, nullptr, &span);
    if (!finished.empty()) return now;
    return next == nullptr ? Instant::max()
                           : now + std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec);
  }

  void serve(std::span<const pollfd> fds) {
    if (handle_ == nullptr || pending_.empty()) return;
    bool any = false;
    // A copy, for c-ares opens and closes sockets meanwhile.
    for (const Socket& socket : std::vector(sockets_)) {
      const int events = found(fds, socket.fd);
      if (events == 0) continue;
      any = true;
      ares_process_fd(handle_, (events & ~POLLOUT) != 0 ? socket.fd : ARES_SOCKET_BAD,
                      (events & POLLOUT) != 0 ? socket.fd : ARES_SOCKET_BAD);
    }
    if (!any) ares_process_fd(handle_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  }

  std::vector<Finished> finished;

 private:
  struct PendingQuery {
    Channel* channel;
    Query query;
  };
  struct Socket {
    ares_socket_t fd;
    bool readable;  ///< c-ares waits for it to become readable
    bool writable;
  };

  static void on_socket(void* self, ares_socket_t fd, int readable, int writable) {
    auto& sockets = static_cast<Channel*>(self)->sockets_;
    std::erase_if(sockets, [&](const Socket& socket) { return socket.fd == fd; });
    if (readable != 0 || writable != 0) sockets.push_back({fd, readable != 0, writable != 0});
  }

  /// Whether the hosts file has an address of this family for the name.
  bool in_hosts_file(const std::string& name, int family) const {
    hostent* entry = nullptr;
    const int code = ares_gethostbyname_file(handle_, name.c_str(), family, &entry);
    if (entry != nullptr) ares_free_hostent(entry);
    return code == ARES_SUCCESS;
  }

  void ask_address(PendingQuery* pending, int family) {
    const int other = family == AF_INET ? AF_INET6 : AF_INET;
    const std::string& name = pending->query.name;
    // A name that the hosts file gives an address is found there alone, as by the C library: DNS might add one that
    // leads elsewhere.
    if (in_hosts_file(name, other) && !in_hosts_file(name, family))
      return finish(pending, ARES_ENODATA, failure(ARES_ENODATA));
    ares_addrinfo_hints hints{};
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(handle_, pending->query.name.c_str(), nullptr, &hints, &on_addresses, pending);
  }

  static void finish(PendingQuery* raw, int code, Answer answer) {
    const std::unique_ptr<PendingQuery> pending(raw);
    std::erase(pending->channel->pending_, pending->query);
    if (code == ARES_EDESTRUCTION) return;
    pending->channel->finished.push_back({pending->query, code, std::move(answer)});
  }

  static void on_addresses(void* arg, int code, int, ares_addrinfo* found) {
    auto* pending = static_cast<PendingQuery*>(arg);
    Answer answer = failure(code);
    for (const ares_addrinfo_node* node = found == nullptr ? nullptr : found->nodes; node != nullptr;
         node = node->ai_next) {
      IpAddress address;
      address.v6 = node->ai_family == AF_INET6;
      if (address.v6) {
        std::memcpy(address.octets.data(), &reinterpret_cast<const sockaddr_in6*>(node->ai_addr)->sin6_addr, 16);
      } else {
        std::memcpy(address.octets.data(), &reinterpret_cast<const sockaddr_in*>(node->ai_addr)->sin_addr, 4);
      }
      // The hosts file may name an IPv4 address for a question about IPv6, and the reverse.
      const bool wanted = address.v6 == (pending->query.type == RecordType::Aaaa);
      const auto& known = answer.addresses;
      if (wanted && std::find(known.begin(), known.end(), address) == known.end()) answer.addresses.push_back(address);
    }
    if (found != nullptr) ares_freeaddrinfo(found);
    if (code == ARES_SUCCESS && answer.addresses.empty()) answer = failure(ARES_ENODATA);
    finish(pending, code, std::move(answer));
  }

#if ARES_VERSION >= 0x011C00  // 1.28: answers come parsed, and the functions below are deprecated from 1.34 on
  void ask_records(PendingQuery* pending) {
    const auto type = pending->query.type == RecordType::Mx ? ARES_REC_TYPE_MX : ARES_REC_TYPE_SRV;
    ares_query_dnsrec(handle_, pending->query.name.c_str(), ARES_CLASS_IN, type, &on_records, pending, nullptr);
  }

  static void on_records(void* arg, ares_status_t code, std::size_t, const ares_dns_record_t* found) {
    Answer answer = failure(static_cast<int>(code));
    const std::size_t count = code == ARES_SUCCESS ? ares_dns_record_rr_cnt(found, ARES_SECTION_ANSWER) : 0;
    for (std::size_t i = 0; i < count; ++i)
      add_record(answer, ares_dns_record_rr_get_const(found, ARES_SECTION_ANSWER, i));
    finish_records(static_cast<PendingQuery*>(arg), static_cast<int>(code), std::move(answer));
  }

  static void add_record(Answer& answer, const ares_dns_rr_t* record) {
    switch (ares_dns_rr_get_type(record)) {
      case ARES_REC_TYPE_MX:
        answer.mx.push_back({ares_dns_rr_get_u16(record, ARES_RR_MX_PREFERENCE),
                             target(ares_dns_rr_get_str(record, ARES_RR_MX_EXCHANGE))});
        break;
      case ARES_REC_TYPE_SRV:
        answer.srv.push_back(
            {ares_dns_rr_get_u16(record, ARES_RR_SRV_PRIORITY), ares_dns_rr_get_u16(record, ARES_RR_SRV_WEIGHT),
             ares_dns_rr_get_u16(record, ARES_RR_SRV_PORT), target(ares_dns_rr_get_str(record, ARES_RR_SRV_TARGET))});
        break;
      default: break;
    }
  }
#else
  void ask_records(PendingQuery* pending) {
    const int type = pending->query.type == RecordType::Mx ? ns_t_mx : ns_t_srv;
    ares_query(handle_, pending->query.name.c_str(), ns_c_in, type, &on_records, pending);
  }

  static void on_records(void* arg, int code, int, unsigned char* octets, int length) {
    auto* pending = static_cast<PendingQuery*>(arg);
    Answer answer = failure(code);
    if (code == ARES_SUCCESS) {
      code =
          pending->query.type == RecordType::Mx ? parse_mx(octets, length, answer) : parse_srv(octets, length, answer);
    }
    finish_records(pending, code, std::move(answer));
  }

  static int parse_mx(const unsigned char* octets, int length, Answer& answer) {
    ares_mx_reply* records = nullptr;
    const int code = ares_parse_mx_reply(octets, length, &records);
    for (const ares_mx_reply* record = records; record != nullptr; record = record->next)
      answer.mx.push_back({record->priority, target(record->host)});
    if (records != nullptr) ares_free_data(records);
    return code;
  }

  static int parse_srv(const unsigned char* octets, int length, Answer& answer) {
    ares_srv_reply* records = nullptr;
    const int code = ares_parse_srv_reply(octets, length, &records);
    for (const ares_srv_reply* record = records; record != nullptr; record = record->next)
      answer.srv.push_back({record->priority, record->weight, record->port, target(record->host)});
    if (records != nullptr) ares_free_data(records);
    return code;
  }
#endif

  static void finish_records(PendingQuery* pending, int code, Answer answer) {
    // An answer with records of other types only, e.g. an alias that leads nowhere.
    if (code == ARES_SUCCESS && answer.mx.empty() && answer.srv.empty()) code = ARES_ENODATA;
    if (code != ARES_SUCCESS) answer = failure(code);
    finish(pending, code, std::move(answer));
  }

  ares_channel handle_ = nullptr;
  int start_error_ = ARES_SUCCESS;
  std::vector<Query> pending_;
  std::vector<Socket> sockets_;  ///< those that c-ares has open
};

CaresResolver::CaresResolver(Options options) : options_(std::move(options)) {}
CaresResolver::~CaresResolver() = default;

void CaresResolver::ask(const Query& query) {
  if (!channel_) channel_ = std::make_unique<Channel>(options_, false);
  channel_->ask(query);
}

std::vector<LookupEvent> CaresResolver::take_answers() {
  std::vector<LookupEvent> answers;
  if (channel_) {
    for (Channel::Finished& done : std::exchange(channel_->finished, {})) {
      // c-ares before 1.3x says "connection refused" when every server answered SERVFAIL, REFUSED or NOTIMP: asked once
      // more, the first answer is taken as it is, and tells which.
      if (done.code == ARES_ECONNREFUSED)
        ask_again(done.query);
      else
        answers.push_back({std::move(done.query), std::move(done.answer)});
    }
  }
  if (second_) {
    for (Channel::Finished& done : std::exchange(second_->finished, {})) {
      answers.push_back({std::move(done.query), std::move(done.answer)});
    }
  }
  return answers;
}

void CaresResolver::ask_again(const Query& query) {
  if (!second_) second_ = std::make_unique<Channel>(options_, true);
  second_->ask(query);
}

Instant CaresResolver::interests(std::vector<pollfd>& fds, Instant now) {
  Instant wake = channel_ ? channel_->interests(fds, now) : Instant::max();
  return second_ ? std::min(wake, second_->interests(fds, now)) : wake;
}

void CaresResolver::serve(std::span<const pollfd> fds, Instant) {
  if (channel_) channel_->serve(fds);
  if (second_) second_->serve(fds);
}

}  // namespace relaypipe
