#include "io/curl_session.h"

namespace relaypipe {
namespace {

constexpr std::size_t kChunk = 32UL * 1024;  ///< full speed, and progress can be seen

}  // namespace

CurlSession::CurlSession(CurlEasy easy, std::unique_ptr<CurlTls> tls, Capabilities capabilities)
    : tls_(std::move(tls)), easy_(std::move(easy)), capabilities_(std::move(capabilities)) {
  watched_.fd = easy_.info<curl_socket_t>(CURLINFO_ACTIVESOCKET);
  easy_.multi().watch(watched_);
}

CurlSession::~CurlSession() { easy_.multi().forget(watched_); }

std::size_t CurlSession::send(std::string_view octets) {
  flush();
  watched_.wants_write = true;
  if (!pending_.empty() || send_broken_) return 0;
  pending_.assign(octets.substr(0, kChunk));
  const std::size_t taken = pending_.size();
  flush();
  watched_.wants_write = !pending_.empty();
  // What broke before its first octet left was not sent: of a final dot this says that nothing was committed.
  return send_broken_ && sent_ == 0 ? 0 : taken;
}

std::size_t CurlSession::receive(std::span<char> buffer) {
  // Whoever was refused room by send(), or waits for flushed(), and now sleeps is woken once more when the room comes
  // here: nothing else may ever happen.
  watched_.wants_write = !pending_.empty();
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
