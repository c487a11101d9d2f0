#include "io/curl_dialer.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <system_error>

#include "base/printable.h"
#include "smtp/handshake.h"

namespace relaypipe {
namespace {

constexpr std::size_t kChunk = 32 * 1024;  ///< one curl_easy_send: full speed, and progress can be seen
constexpr auto kCurlTimerSlack =
    std::chrono::milliseconds(1000);  ///< some of libcurl's timers are not told by curl_multi_timeout
const char* const kCaDirectory =
    "/etc/ssl/certs";  ///< hashed names: one certificate is read instead of a bundle of 145

}  // namespace

/// The multi handle, shared by the dialer and the sessions that came out of it.
class CurlDialer::Multi {
 public:
  Multi() : handle_(curl_multi_init()) {
    if (handle_ == nullptr) throw std::bad_alloc();
  }
  ~Multi() { curl_multi_cleanup(handle_); }
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;
  [[nodiscard]] CURLM* get() const { return handle_; }

  /// The session whose socket has to be polled; there is one at a time.
  struct Watched {
    int fd = -1;
    bool wants_write = false;
  };
  std::vector<Watched*> sessions;

 private:
  CURLM* handle_;
};

namespace {

/// Takes an easy handle out of its multi and frees it: the one owner of a connection.
struct EasyDeleter {
  std::shared_ptr<void> multi;
  CURLM* raw = nullptr;
  void operator()(CURL* easy) const {
    if (raw != nullptr) curl_multi_remove_handle(raw, easy);
    curl_easy_cleanup(easy);
  }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;

}  // namespace

/// One attempt to open a session. It stays at its address: libcurl's callbacks point to it.
struct CurlDialer::Attempt {
  DialId id;
  DialTarget target;
  Handshake handshake;
  Trace* trace;
  Easy easy;
  curl_slist* connect_to = nullptr;
  std::array<char, CURL_ERROR_SIZE> error{};
  int socket = -1;
  Stage limited = Stage::Connect;  ///< the stage that `ends` belongs to
  Instant ends;

  Attempt(DialId i, const DialTarget& t, Trace* tr) : id(i), target(t), handshake(t.implicit_tls), trace(tr) {}
  ~Attempt() {
    easy.reset();
    curl_slist_free_all(connect_to);
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  void configure();
  void configure_tls() const;
  [[nodiscard]] Duration limit() const;
  void note_connected();
  [[nodiscard]] bool encrypted() const;
  [[nodiscard]] Unreached diagnose(CURLcode code) const;
  [[nodiscard]] Unreached timed_out() const;

  template <class T>
  void set(CURLoption option, T value) const {
    if (curl_easy_setopt(easy.get(), option, value) != CURLE_OK) throw std::bad_alloc();
  }

  static int on_debug(CURL*, curl_infotype type, char* data, size_t size, void* self);
  static size_t on_header(char* data, size_t size, size_t count, void* self);
  static size_t on_body(char*, size_t size, size_t count, void*) { return size * count; }
  static curl_socket_t on_open_socket(void* self, curlsocktype, curl_sockaddr* address);
};

void CurlDialer::Attempt::configure() {
  const Where& where = target.where;
  const bool v6 = where.ip.find(':') != std::string::npos;
  const std::string ip = v6 ? "[" + where.ip + "]" : where.ip;
  const std::string host = where.host.find(':') != std::string::npos ? "[" + where.host + "]" : where.host;
  const std::string url =
      fmt::format("{}://{}:{}/{}", target.implicit_tls ? "smtps" : "smtp", host, where.port, target.helo_name);
  // The address was chosen by us; the URL's host is what the certificate has to name.
  connect_to = curl_slist_append(nullptr, fmt::format("::{}:", ip).c_str());
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_CONNECT_TO, connect_to);
  set(CURLOPT_CONNECT_ONLY, 1L);
  set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_ERRORBUFFER, error.data());
  // Our own limits per stage end an attempt; libcurl's must never come first.
  set(CURLOPT_CONNECTTIMEOUT_MS, 24L * 3600 * 1000);
  set(CURLOPT_SERVER_RESPONSE_TIMEOUT, 24L * 3600);
  // Verbose, because only the debug callback tells which command was sent; nothing is printed.
  set(CURLOPT_VERBOSE, 1L);
  set(CURLOPT_DEBUGFUNCTION, &on_debug);
  set(CURLOPT_DEBUGDATA, this);
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_OPENSOCKETFUNCTION, &on_open_socket);
  set(CURLOPT_OPENSOCKETDATA, this);
  set(CURLOPT_PRIVATE, this);
  if (!target.bind_address.empty()) set(CURLOPT_INTERFACE, ("host!" + target.bind_address).c_str());
  configure_tls();
}

void CurlDialer::Attempt::configure_tls() const {
  const bool verify = target.tls == TlsLevel::Verify;
  const curl_usessl level = target.tls == TlsLevel::None  ? CURLUSESSL_NONE
                            : target.tls == TlsLevel::May ? CURLUSESSL_TRY
                                                          : CURLUSESSL_ALL;
  set(CURLOPT_USE_SSL, static_cast<long>(level));
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
  set(CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
  if (verify) {
    set(CURLOPT_CAINFO, static_cast<const char*>(nullptr));
    set(CURLOPT_CAPATH, kCaDirectory);
  }
}

int CurlDialer::Attempt::on_debug(CURL*, curl_infotype type, char* data, size_t size, void* self) {
  auto* attempt = static_cast<Attempt*>(self);
  if (type != CURLINFO_HEADER_OUT) return 0;
  std::string_view command(data, size);
  command = command.substr(0, command.find_first_of("\r\n"));
  attempt->note_connected();
  const bool was_auth = attempt->handshake.stage() == Stage::Auth;
  attempt->handshake.sent(command);
  if (attempt->trace == nullptr) return 0;
  // Everything said during AUTH is, or may be, a secret.
  const bool secret = was_auth || attempt->handshake.stage() == Stage::Auth;
  attempt->trace->dialogue(attempt->target.where, Trace::Direction::Sent, secret ? "AUTH ********" : command);
  return 0;
}

size_t CurlDialer::Attempt::on_header(char* data, size_t size, size_t count, void* self) {
  auto* attempt = static_cast<Attempt*>(self);
  std::string_view line(data, size * count);
  const bool usable = attempt->handshake.received(line);
  if (attempt->trace != nullptr) {
    line = line.substr(0, line.find_first_of("\r\n"));
    attempt->trace->dialogue(attempt->target.where, Trace::Direction::Received, line);
  }
  return usable ? size * count : 0;  // 0 makes libcurl give up
}

curl_socket_t CurlDialer::Attempt::on_open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  auto* attempt = static_cast<Attempt*>(self);
  attempt->socket = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  return attempt->socket;
}

/// TCP is connected when the socket has a peer; libcurl tells it only through texts.
void CurlDialer::Attempt::note_connected() {
  if (handshake.stage() != Stage::Connect || socket < 0) return;
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &length) == 0) handshake.connected();
}

Duration CurlDialer::Attempt::limit() const {
  switch (handshake.stage()) {
    case Stage::Connect: return target.limits.connect;
    case Stage::Greeting: return target.limits.greeting;
    case Stage::StartTls:
    case Stage::Tls: return target.limits.starttls;
    case Stage::Auth: return target.limits.auth;
    default: return target.limits.helo;
  }
}

bool CurlDialer::Attempt::encrypted() const {
  curl_off_t handshake_done = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_APPCONNECT_TIME_T, &handshake_done);
  return handshake_done > 0;
}

Unreached CurlDialer::Attempt::timed_out() const { return {handshake.stage(), Trouble::TimedOut, "timed out"}; }

/// What a failed attempt means. libcurl's code says what kind of failure; the last complete reply, if it is a refusal,
/// says it better.
Unreached CurlDialer::Attempt::diagnose(CURLcode code) const {
  const Stage stage = handshake.stage();
  const std::string words = printable(error[0] != '\0' ? error.data() : curl_easy_strerror(code));
  if (handshake.fault()) return {stage, Trouble::Garbled, std::string(describe(*handshake.fault()))};
  const auto& reply = handshake.last_reply();
  const bool refused = reply && reply->code >= 400;
  long os_error = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_OS_ERRNO, &os_error);
  const auto trouble = [&](Trouble kind) { return Unreached{stage, kind, words, refused ? reply : std::nullopt}; };
  switch (code) {
    case CURLE_COULDNT_CONNECT:
      return {Stage::Connect, Trouble::Unconnected,
              os_error != 0 ? std::generic_category().message(static_cast<int>(os_error)) : words};
    case CURLE_OPERATION_TIMEDOUT: return timed_out();
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return trouble(Trouble::Lost);
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_REMOTE_ACCESS_DENIED: return trouble(Trouble::Garbled);
    case CURLE_USE_SSL_FAILED: return trouble(Trouble::TlsMissing);
    case CURLE_SSL_CONNECT_ERROR: return {Stage::Tls, Trouble::TlsFailed, words};
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH: return {Stage::Tls, Trouble::Untrusted, words};
    case CURLE_LOGIN_DENIED: return trouble(Trouble::AuthMissing);
    default: return {stage, Trouble::Local, fmt::format("{} (libcurl {})", words, static_cast<int>(code))};
  }
}

namespace {

/// A ready connection. libcurl wants a send that could not go out repeated with the same octets at the same place, so
/// they are kept here.
template <class Multi>
class CurlSession final : public Session {
 public:
  CurlSession(Easy easy, std::shared_ptr<Multi> multi, Capabilities capabilities)
      : multi_(std::move(multi)), easy_(std::move(easy)), capabilities_(std::move(capabilities)) {
    curl_socket_t fd = CURL_SOCKET_BAD;
    curl_easy_getinfo(easy_.get(), CURLINFO_ACTIVESOCKET, &fd);
    watched_.fd = fd;
    multi_->sessions.push_back(&watched_);
  }
  ~CurlSession() override { std::erase(multi_->sessions, &watched_); }
  CurlSession(const CurlSession&) = delete;
  CurlSession& operator=(const CurlSession&) = delete;

  [[nodiscard]] const Capabilities& capabilities() const override { return capabilities_; }

  std::size_t send(std::string_view octets) override {
    flush();
    watched_.wants_write = true;
    if (!pending_.empty() || send_broken_) return 0;
    pending_.assign(octets.substr(0, kChunk));
    const std::size_t taken = pending_.size();
    flush();
    // What broke before its first octet left was not sent: the caller may say so of a final dot.
    if (send_broken_ && pending_.size() == taken) return 0;
    return taken;
  }

  [[nodiscard]] bool flushed() const override { return pending_.empty(); }

  std::size_t receive(std::span<char> buffer) override {
    if (!pending_.empty()) flush();
    if (ended_) return 0;
    std::size_t count = 0;
    const CURLcode code = curl_easy_recv(easy_.get(), buffer.data(), buffer.size(), &count);
    // A broken sending side shows only when nothing is left to read: the relay's last words may still be there.
    if (code == CURLE_AGAIN)
      ended_ = send_broken_;
    else if (code != CURLE_OK || count == 0)
      ended_ = true;
    return code == CURLE_OK ? count : 0;
  }

  [[nodiscard]] bool ended() const override { return ended_; }

 private:
  void flush() {
    while (sent_ < pending_.size() && !send_broken_) {
      std::size_t count = 0;
      const CURLcode code = curl_easy_send(easy_.get(), pending_.data() + sent_, pending_.size() - sent_, &count);
      if (code == CURLE_AGAIN) return;
      if (code != CURLE_OK) send_broken_ = true;
      sent_ += count;
    }
    if (sent_ < pending_.size()) return;
    pending_.clear();
    sent_ = 0;
    watched_.wants_write = false;
  }

  std::shared_ptr<Multi> multi_;
  Easy easy_;
  Capabilities capabilities_;
  typename Multi::Watched watched_;
  std::string pending_;
  std::size_t sent_ = 0;
  bool send_broken_ = false;
  bool ended_ = false;
};

}  // namespace

CurlDialer::CurlDialer(const Clock& clock, Trace* trace) : clock_(clock), trace_(trace) {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::bad_alloc();
  multi_ = std::make_shared<Multi>();
}

CurlDialer::~CurlDialer() = default;

void CurlDialer::start(DialId id, const DialTarget& target) {
  auto attempt = std::make_unique<Attempt>(id, target, trace_);
  attempt->easy = Easy(curl_easy_init(), EasyDeleter{multi_, nullptr});
  if (!attempt->easy) throw std::bad_alloc();
  attempt->configure();
  attempt->ends = clock_.now() + attempt->limit();
  curl_multi_add_handle(multi_->get(), attempt->easy.get());
  attempt->easy.get_deleter().raw = multi_->get();
  attempts_.push_back(std::move(attempt));
  int running = 0;
  curl_multi_perform(multi_->get(), &running);
}

Stage CurlDialer::stage(DialId id) const {
  for (const auto& attempt : attempts_) {
    if (attempt->id != id) continue;
    attempt->note_connected();
    return attempt->handshake.stage();
  }
  return Stage::Mail;  // ready already, or gone
}

Stage CurlDialer::cancel(DialId id) {
  const Stage reached = stage(id);
  std::erase_if(attempts_, [&](const auto& attempt) { return attempt->id == id; });
  return reached;
}

std::vector<DialEvent> CurlDialer::take_events() { return std::exchange(events_, {}); }

Instant CurlDialer::interests(std::vector<pollfd>& fds, Instant now) {
  for (const Multi::Watched* session : multi_->sessions) {
    fds.push_back({session->fd, static_cast<short>(POLLIN | (session->wants_write ? POLLOUT : 0)), 0});
  }
  if (!events_.empty()) return now;
  if (attempts_.empty()) return Instant::max();
  fd_set reads;
  fd_set writes;
  fd_set errors;
  FD_ZERO(&reads);
  FD_ZERO(&writes);
  FD_ZERO(&errors);
  int highest = -1;
  curl_multi_fdset(multi_->get(), &reads, &writes, &errors, &highest);
  for (int fd = 0; fd <= highest; ++fd) {
    const int events = (FD_ISSET(fd, &reads) ? POLLIN : 0) | (FD_ISSET(fd, &writes) ? POLLOUT : 0);
    if (events != 0) fds.push_back({fd, static_cast<short>(events), 0});
  }
  long timeout = -1;
  curl_multi_timeout(multi_->get(), &timeout);
  Instant wake = now + kCurlTimerSlack;
  if (timeout >= 0) wake = std::min<Instant>(wake, now + std::chrono::milliseconds(timeout));
  for (const auto& attempt : attempts_)
    wake = std::min(wake, attempt->ends);
  return wake;
}

void CurlDialer::serve(std::span<const pollfd>, Instant now) {
  if (attempts_.empty()) return;
  int running = 0;
  curl_multi_perform(multi_->get(), &running);
  collect_finished();
  enforce_limits(now);
}

void CurlDialer::collect_finished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_->get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    const auto it = std::find_if(attempts_.begin(), attempts_.end(),
                                 [&](const auto& attempt) { return attempt->easy.get() == message->easy_handle; });
    if (it == attempts_.end()) continue;
    Attempt& attempt = **it;
    attempt.note_connected();
    const bool must_encrypt = attempt.target.tls >= TlsLevel::Encrypt;
    if (code != CURLE_OK) {
      events_.push_back({attempt.id, attempt.diagnose(code)});
    } else if (must_encrypt && !attempt.encrypted()) {
      events_.push_back({attempt.id, Unreached{Stage::StartTls, Trouble::TlsMissing, "not encrypted"}});
    } else {
      // The callbacks point to the attempt, which goes now.
      attempt.set(CURLOPT_VERBOSE, 0L);
      attempt.set(CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
      attempt.set(CURLOPT_CONNECT_TO, static_cast<curl_slist*>(nullptr));
      events_.push_back({attempt.id, std::make_unique<CurlSession<Multi>>(std::move(attempt.easy), multi_,
                                                                          attempt.handshake.capabilities())});
    }
    attempts_.erase(it);
  }
}

/// Ends attempts whose stage has had its time, whatever dripped in meanwhile.
void CurlDialer::enforce_limits(Instant now) {
  for (auto it = attempts_.begin(); it != attempts_.end();) {
    Attempt& attempt = **it;
    attempt.note_connected();
    if (attempt.handshake.stage() != attempt.limited) {
      attempt.limited = attempt.handshake.stage();
      attempt.ends = now + attempt.limit();
    }
    if (now < attempt.ends) {
      ++it;
      continue;
    }
    events_.push_back({attempt.id, attempt.timed_out()});
    it = attempts_.erase(it);
  }
}

}  // namespace relaypipe
