#pragma once

#include <curl/curl.h>
#include <poll.h>

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "base/deadline.h"

namespace relaypipe {

/// The multi handle, shared by the dialer and the sessions that came out of it: a connection that was opened in a multi
/// handle dies when it is taken out of it. libcurl tells which sockets it waits for, whatever their numbers:
/// curl_multi_fdset() knows none above 1023.
class CurlMulti {
 public:
  CurlMulti();
  ~CurlMulti() { curl_multi_cleanup(handle_); }
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;
  [[nodiscard]] CURLM* get() const { return handle_; }

  /// A transfer that has ended.
  struct Done {
    CURL* handle;
    CURLcode code;
  };
  /// Lets libcurl do what can be done now.
  void run();
  /// The next transfer that has ended, once; nothing when there is no other.
  [[nodiscard]] std::optional<Done> take_done();
  /// Adds the sockets that libcurl waits for; when it has to be run again at the latest.
  Instant interests(std::vector<pollfd>& fds, Instant now) const;

  /// A ready session's socket, to be polled together with those that libcurl polls.
  struct Watched {
    int fd = -1;
    bool wants_write = false;
  };
  void watch(const Watched& session) { sessions_.push_back(&session); }
  void forget(const Watched& session) { std::erase(sessions_, &session); }
  [[nodiscard]] const std::vector<const Watched*>& watched() const { return sessions_; }

 private:
  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*);

  CURLM* handle_;
  std::vector<pollfd> sockets_;  ///< those of libcurl, each with what it waits for: perhaps nothing
  std::vector<const Watched*> sessions_;
};

/// The one owner of an easy handle and its connection: takes it out of its multi handle and frees it.
class CurlEasy {
 public:
  explicit CurlEasy(std::shared_ptr<CurlMulti> multi) : multi_(std::move(multi)), handle_(curl_easy_init()) {
    if (handle_ == nullptr) throw std::bad_alloc();
  }
  CurlEasy(CurlEasy&& other) noexcept
      : multi_(std::move(other.multi_)), handle_(std::exchange(other.handle_, nullptr)) {}
  CurlEasy& operator=(CurlEasy&&) = delete;
  ~CurlEasy() {
    if (handle_ == nullptr) return;
    curl_multi_remove_handle(multi_->get(), handle_);
    curl_easy_cleanup(handle_);
  }
  [[nodiscard]] CURL* get() const { return handle_; }
  [[nodiscard]] CurlMulti& multi() const { return *multi_; }

  /// An option that libcurl refuses is a broken assumption, or want of memory.
  template <class T>
  void set(CURLoption option, T value) const {
    if (curl_easy_setopt(handle_, option, value) != CURLE_OK) throw std::bad_alloc();
  }
  template <class T>
  [[nodiscard]] T info(CURLINFO which) const {
    T value{};
    curl_easy_getinfo(handle_, which, &value);
    return value;
  }

 private:
  std::shared_ptr<CurlMulti> multi_;
  CURL* handle_;
};

}  // namespace relaypipe
