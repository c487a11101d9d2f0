#include "io/curl_token_client.h"

#include <fmt/chrono.h>
#include <sys/select.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "base/printable.h"
#include "config/settings.h"
#include "config/units.h"
#include "io/curl_handle.h"
#include "io/curl_library.h"

namespace relaypipe {

namespace {

constexpr std::size_t kLongestAnswer = std::size_t{64} << 10U;
constexpr auto kTimerSlack = std::chrono::milliseconds(1000);  ///< not all timers are told by curl_multi_timeout

/// OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED, as CURLINFO_SSL_VERIFYRESULT gives them.
constexpr long kNotYetValid = 9;
constexpr long kExpired = 10;

std::string today() {
  return fmt::format("{:%Y-%m-%d}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

}  // namespace

/// One request, from its start to its answer.
class CurlPost {
 public:
  CurlPost(DialId id, HttpPost post, std::shared_ptr<CurlMulti> multi)
      : id_(id), post_(std::move(post)), easy_(std::move(multi)) {
    // In one piece: growing would leave copies behind.
    body_.reserve(kLongestAnswer);
    configure();
    curl_multi_add_handle(easy_.multi().get(), easy_.get());
  }
  ~CurlPost() {
    curl_slist_free_all(headers_);
    Secret::wipe(body_);
  }
  CurlPost(const CurlPost&) = delete;
  CurlPost& operator=(const CurlPost&) = delete;

  [[nodiscard]] DialId id() const { return id_; }
  [[nodiscard]] CURL* handle() const { return easy_.get(); }

  HttpEvent finish(CURLcode code) {
    if (code != CURLE_OK) return {id_, fail(diagnose(code))};
    return {id_, HttpAnswer{static_cast<int>(easy_.info<long>(CURLINFO_RESPONSE_CODE)), Secret(body_)}};
  }

 private:
  void configure() {
    const auto limit = std::chrono::ceil<std::chrono::milliseconds>(post_.limit).count();
    headers_ = curl_slist_append(headers_, "Accept: application/json");
    easy_.set(CURLOPT_URL, post_.url.c_str());
    easy_.set(CURLOPT_PROTOCOLS_STR, "https");
    easy_.set(CURLOPT_FOLLOWLOCATION, 0L);
    easy_.set(CURLOPT_PROXY, "");
    easy_.set(CURLOPT_NOSIGNAL, 1L);
    // A look-up that hangs in the resolver's thread must not hold up the end of the process.
    easy_.set(CURLOPT_QUICK_EXIT, 1L);
    easy_.set(CURLOPT_TIMEOUT_MS, std::max(static_cast<long>(limit), 1L));
    easy_.set(CURLOPT_ERRORBUFFER, error_.data());
    easy_.set(CURLOPT_USERAGENT, "relaypipe");
    easy_.set(CURLOPT_HTTPHEADER, headers_);
    easy_.set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    // The form stays ours; libcurl makes no copy of it.
    easy_.set(CURLOPT_POSTFIELDSIZE, static_cast<long>(post_.form.reveal().size()));
    easy_.set(CURLOPT_POSTFIELDS, post_.form.c_str());
    easy_.set(CURLOPT_WRITEFUNCTION, &on_body);
    easy_.set(CURLOPT_WRITEDATA, this);
    easy_.set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    easy_.set(CURLOPT_SSL_VERIFYPEER, 1L);
    easy_.set(CURLOPT_SSL_VERIFYHOST, 2L);
    // With a file only its authorities count; /dev/null keeps every version from adding its own directory.
    easy_.set(CURLOPT_CAINFO, post_.ca_file.empty() ? nullptr : post_.ca_file.c_str());
    easy_.set(CURLOPT_CAPATH, post_.ca_file.empty() ? TlsSettings().ca_path.c_str() : "/dev/null");
  }

  static size_t on_body(char* data, size_t size, size_t count, void* self) {
    auto* post = static_cast<CurlPost*>(self);
    const std::size_t length = size * count;
    if (post->body_.size() + length > kLongestAnswer) return 0;  // ends the transfer with CURLE_WRITE_ERROR
    post->body_.append(data, length);
    return length;
  }

  [[nodiscard]] std::string diagnose(CURLcode code) const {
    const std::string words = printable(error_[0] != '\0' ? error_.data() : curl_easy_strerror(code));
    const auto os_error = static_cast<int>(easy_.info<long>(CURLINFO_OS_ERRNO));
    const long verdict = easy_.info<long>(CURLINFO_SSL_VERIFYRESULT);
    const bool dated = verdict == kNotYetValid || verdict == kExpired;
    switch (code) {
      case CURLE_COULDNT_RESOLVE_HOST: return "cannot be found in DNS";
      case CURLE_COULDNT_CONNECT:
        return "cannot be reached: " + (os_error != 0 ? std::generic_category().message(os_error) : words);
      case CURLE_OPERATION_TIMEDOUT: return "does not answer in time";
      case CURLE_WRITE_ERROR: return fmt::format("answers with more than {} octets", kLongestAnswer);
      case CURLE_SSL_CACERT_BADFILE:
        return fmt::format("cannot be verified: ca_file {} cannot be read", printable(post_.ca_file));
      case CURLE_PEER_FAILED_VERIFICATION:
        return fmt::format("has a certificate that is not trusted: {}{}", words,
                           dated ? fmt::format(" (it is {} here; is the clock right?)", today()) : "");
      case CURLE_SSL_CONNECT_ERROR: return "fails in the TLS handshake: " + words;
      case CURLE_UNSUPPORTED_PROTOCOL:
      case CURLE_URL_MALFORMAT: return "is no https URL";
      default: return fmt::format("fails: {} (libcurl {})", words, static_cast<int>(code));
    }
  }

  DialId id_;
  HttpPost post_;
  CurlEasy easy_;
  curl_slist* headers_ = nullptr;
  std::string body_;
  std::array<char, CURL_ERROR_SIZE> error_{};
};

CurlTokenClient::CurlTokenClient() = default;
CurlTokenClient::~CurlTokenClient() = default;

void CurlTokenClient::post(DialId id, HttpPost post) {
  if (!multi_) {
    start_libcurl();
    multi_ = std::make_shared<CurlMulti>();
  }
  posts_.push_back(std::make_unique<CurlPost>(id, std::move(post), multi_));
  perform();
}

std::vector<HttpEvent> CurlTokenClient::take_answers() { return std::exchange(answers_, {}); }

void CurlTokenClient::cancel(DialId id) {
  std::erase_if(posts_, [&](const auto& post) { return post->id() == id; });
  std::erase_if(answers_, [&](const HttpEvent& event) { return event.id == id; });
}

Instant CurlTokenClient::interests(std::vector<pollfd>& fds, Instant now) {
  if (!answers_.empty()) return now;
  if (posts_.empty()) return Instant::max();
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
  const auto wake = timeout >= 0 ? std::min<Duration>(std::chrono::milliseconds(timeout), kTimerSlack) : kTimerSlack;
  return now + wake;
}

void CurlTokenClient::serve(std::span<const pollfd>, Instant) {
  if (!posts_.empty()) perform();
}

void CurlTokenClient::perform() {
  int running = 0;
  curl_multi_perform(multi_->get(), &running);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_->get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    const auto it = std::find_if(posts_.begin(), posts_.end(),
                                 [&](const auto& post) { return post->handle() == message->easy_handle; });
    if (it == posts_.end()) continue;
    answers_.push_back((*it)->finish(code));
    posts_.erase(it);
  }
}

}  // namespace relaypipe
