#include "io/curl/session.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

namespace relaypipe {
namespace {

constexpr std::size_t kChunk = 32UL * 1024;  ///< full speed, and progress can be seen

/// Octets in a socket's send queue that were never sent, retransmissions not counted; 0 where the system cannot tell.
std::size_t held_by_system(int fd) {
  int count = 0;
  return ioctl(fd, SIOCOUTQNSD, &count) == 0 && count > 0 ? static_cast<std::size_t>(count) : 0;
}

}  // namespace

CurlSession::CurlSession(CurlEasy easy, std::unique_ptr<CurlTls> tls, Capabilities capabilities, SessionFacts facts)
    : tls_(std::move(tls)), easy_(std::move(easy)), capabilities_(std::move(capabilities)), facts_(std::move(facts)) {
  watched_.fd = easy_.info<curl_socket_t>(CURLINFO_ACTIVESOCKET);
  easy_.multi().watch(watched_);
}

CurlSession::CurlSession(CurlEasy easy, std::unique_ptr<CurlTls> tls, SessionFacts facts, Credentials credentials)
    : CurlSession(std::move(easy), std::move(tls), Capabilities(), std::move(facts)) {
  credentials_ = std::move(credentials);
}

CurlSession::~CurlSession() { easy_.multi().forget(watched_); }

std::size_t CurlSession::send(std::string_view octets) {
  flush();
  watched_.wants_write = true;
  if (!pending_.empty() || send_broken_) return 0;
  pending_.assign(octets.substr(0, kChunk));
  const std::size_t taken = last_ = pending_.size();
  flush();
  watched_.wants_write = !pending_.empty();
  // What broke before its first octet left was not sent: of a final dot this says that nothing was committed.
  return send_broken_ && sent_ == 0 ? 0 : taken;
}

std::size_t CurlSession::receive(std::span<char> buffer) {
  // Whoever was refused room by send(), or waits for flushed(), and now sleeps is woken once more when the room comes
  // here: nothing else may ever happen.
  watched_.wants_write = !pending_.empty() || draining_;
  flush();
  if (ended_) return 0;
  std::size_t count = 0;
  const CURLcode code = curl_easy_recv(easy_.get(), buffer.data(), buffer.size(), &count);
  // A broken sending side ends the session only when nothing is left to read: the relay's last words may be there.
  if (code == CURLE_AGAIN)
    ended_ = send_broken_;
  else if (code != CURLE_OK || count == 0)
    ended_ = true;
  return code == CURLE_OK ? count : 0;
}

bool CurlSession::flushed() {
  if (!pending_.empty()) return false;
  const bool gone = held_by_system(watched_.fd) == 0;
  watch_drain(!gone);
  return gone;
}

/// In TLS the octets of the system's queue are not ours, but as long as it holds any, the last record is incomplete and
/// nothing of it can be read.
std::size_t CurlSession::unsent() const {
  const std::size_t held = held_by_system(watched_.fd);
  const bool encrypted = !facts_.tls_version.empty();
  return pending_.size() - sent_ + (encrypted && held > 0 ? std::max(held, last_) : held);
}

/// While it is on, the socket counts as writable only when nothing is left unsent.
void CurlSession::watch_drain(bool on) {
  if (on == draining_) return;
  const int low_water = on ? 1 : 0;  // 0: the system's own
  const bool set = setsockopt(watched_.fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low_water, sizeof low_water) == 0;
  draining_ = on && set;
  watched_.wants_write = draining_;
}

void CurlSession::flush() {
  while (sent_ < pending_.size() && !send_broken_) {
    std::size_t count = 0;
    const CURLcode code = curl_easy_send(easy_.get(), pending_.data() + sent_, pending_.size() - sent_, &count);
    if (code == CURLE_AGAIN) return;
    send_broken_ = code != CURLE_OK;
    sent_ += count;
  }
  if (sent_ < pending_.size()) return;
  pending_.clear();
  sent_ = 0;
}

}  // namespace relaypipe
