#include "io/curl_dialer.h"

#include <sys/select.h>

#include <algorithm>

#include "io/curl_attempt.h"
#include "io/curl_handle.h"

namespace relaypipe {
namespace {

constexpr auto kTimerSlack =
    std::chrono::milliseconds(1000);  ///< some of libcurl's timers are not told by curl_multi_timeout

/// The sockets libcurl waits for.
void add_descriptors(CURLM* multi, std::vector<pollfd>& fds) {
  fd_set reads;
  fd_set writes;
  fd_set errors;
  FD_ZERO(&reads);
  FD_ZERO(&writes);
  FD_ZERO(&errors);
  int highest = -1;
  curl_multi_fdset(multi, &reads, &writes, &errors, &highest);
  for (int fd = 0; fd <= highest; ++fd) {
    const int events = (FD_ISSET(fd, &reads) ? POLLIN : 0) | (FD_ISSET(fd, &writes) ? POLLOUT : 0);
    if (events != 0) fds.push_back({fd, static_cast<short>(events), 0});
  }
}

}  // namespace

CurlDialer::CurlDialer(const Clock& clock, Trace* trace) : clock_(clock), trace_(trace) {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::bad_alloc();
  multi_ = std::make_shared<CurlMulti>();
}

CurlDialer::~CurlDialer() = default;

void CurlDialer::start(DialId id, const DialTarget& target) {
  attempts_.push_back(std::make_unique<CurlAttempt>(id, target, trace_, multi_, clock_.now()));
  // The SYN leaves now, not after the next wait.
  int running = 0;
  curl_multi_perform(multi_->get(), &running);
}

Stage CurlDialer::stage(DialId id) const {
  for (const auto& attempt : attempts_) {
    if (attempt->id() == id) return attempt->stage();
  }
  return Stage::Mail;  // it is ready already, or has failed, and its event is on the way
}

Stage CurlDialer::cancel(DialId id) {
  const Stage reached = stage(id);
  for (const auto& attempt : attempts_) {
    if (attempt->id() == id) attempt->quit();
  }
  std::erase_if(attempts_, [&](const auto& attempt) { return attempt->id() == id; });
  std::erase_if(events_, [&](const DialEvent& event) { return event.id == id; });
  return reached;
}

std::vector<DialEvent> CurlDialer::take_events() { return std::exchange(events_, {}); }

Instant CurlDialer::interests(std::vector<pollfd>& fds, Instant now) {
  for (const CurlMulti::Watched* session : multi_->watched()) {
    fds.push_back({session->fd, static_cast<short>(POLLIN | (session->wants_write ? POLLOUT : 0)), 0});
  }
  if (!events_.empty()) return now;
  if (attempts_.empty()) return Instant::max();
  add_descriptors(multi_->get(), fds);
  long timeout = -1;
  curl_multi_timeout(multi_->get(), &timeout);
  Instant wake = now + kTimerSlack;
  if (timeout >= 0) wake = std::min<Instant>(wake, now + std::chrono::milliseconds(timeout));
  for (const auto& attempt : attempts_)
    wake = std::min(wake, attempt->ends(now));
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
                                 [&](const auto& attempt) { return attempt->handle() == message->easy_handle; });
    if (it == attempts_.end()) continue;
    events_.push_back((*it)->finish(code));
    attempts_.erase(it);
  }
}

/// Ends attempts whose stage has had its time, whatever dripped in meanwhile.
void CurlDialer::enforce_limits(Instant now) {
  for (const auto& attempt : attempts_) {
    if (now >= attempt->ends(now)) events_.push_back({attempt->id(), attempt->timed_out()});
  }
  std::erase_if(attempts_, [&](const auto& attempt) { return now >= attempt->ends(now); });
}

}  // namespace relaypipe
