#include "io/curl/handle.h"

#include <chrono>

namespace relaypipe {
namespace {

/// Some of libcurl's timers are not told by curl_multi_timeout.
constexpr auto kTimerSlack = std::chrono::milliseconds(1000);

}  // namespace

CurlMulti::CurlMulti() : handle_(curl_multi_init()) {
  if (handle_ == nullptr) throw std::bad_alloc();
  curl_multi_setopt(handle_, CURLMOPT_SOCKETFUNCTION, &on_socket);
  curl_multi_setopt(handle_, CURLMOPT_SOCKETDATA, this);
}

int CurlMulti::on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
  std::vector<pollfd>& sockets = static_cast<CurlMulti*>(self)->sockets_;
  std::erase_if(sockets, [&](const pollfd& socket) { return socket.fd == fd; });
  if (what == CURL_POLL_REMOVE) return 0;
  const int events = ((what & CURL_POLL_IN) != 0 ? POLLIN : 0) | ((what & CURL_POLL_OUT) != 0 ? POLLOUT : 0);
  sockets.push_back({fd, static_cast<short>(events), 0});
  return 0;
}

void CurlMulti::run() {
  int running = 0;
  // libcurl looks for itself which of them are ready; by that the list changes.
  for (const pollfd& socket : std::vector<pollfd>(sockets_))
    curl_multi_socket_action(handle_, socket.fd, 0, &running);
  curl_multi_socket_action(handle_, CURL_SOCKET_TIMEOUT, 0, &running);
}

std::optional<CurlMulti::Done> CurlMulti::take_done() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(handle_, &left)) {
    if (message->msg == CURLMSG_DONE) return Done{message->easy_handle, message->data.result};
  }
  return std::nullopt;
}

Instant CurlMulti::interests(std::vector<pollfd>& fds, Instant now) const {
  for (const pollfd& socket : sockets_) {
    if (socket.events != 0) fds.push_back(socket);
  }
  long timeout = -1;
  curl_multi_timeout(handle_, &timeout);
  const Duration wait =
      timeout >= 0 ? std::min<Duration>(std::chrono::milliseconds(timeout), kTimerSlack) : kTimerSlack;
  return now + wait;
}

}  // namespace relaypipe
