#include "io/curl/token_client.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <array>

#include "base/ip_address.h"
#include "base/printable.h"
#include "io/base/error_text.h"
#include "io/curl/handle.h"
#include "io/curl/library.h"
#include "relay/relay_settings.h"
#include "relay/units.h"

namespace relaypipe {

namespace {

constexpr std::size_t kLongestAnswer = std::size_t{64} << 10U;
constexpr const char* kNotInDns = "cannot be found in DNS";

/// OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED, as CURLINFO_SSL_VERIFYRESULT gives them.
constexpr long kNotYetValid = 9;
constexpr long kExpired = 10;

std::string today() {
  return fmt::format("{:%Y-%m-%d}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

/// A part of a URL as libcurl reads it; empty when the URL cannot be read.
std::string url_part(const std::string& url, CURLUPart which) {
  const std::unique_ptr<CURLU, void (*)(CURLU*)> parsed(curl_url(), curl_url_cleanup);
  char* part = nullptr;
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK ||
      curl_url_get(parsed.get(), which, &part, CURLU_DEFAULT_PORT) != CURLUE_OK)
    return "";
  const std::unique_ptr<char, void (*)(void*)> owned(part, curl_free);
  return part;
}

bool is_address(std::string_view host) { return host.starts_with('[') || parse_ip_address(host).has_value(); }

}  // namespace

/// One request, from its start to its answer: first the lookup of its host, then the exchange.
class CurlPost {
 public:
  CurlPost(DialId id, HttpPost post, std::shared_ptr<CurlMulti> multi, Instant now)
      : id_(id), post_(std::move(post)), ends_(now + post_.limit), easy_(std::move(multi)) {
    // In one piece: growing would leave copies behind.
    body_.reserve(kLongestAnswer);
    host_ = url_part(post_.url, CURLUPART_HOST);
    if (host_.empty() || is_address(host_)) return;
    pending_ = {{RecordType::A, host_}, {RecordType::Aaaa, host_}};
  }
  ~CurlPost() {
    curl_slist_free_all(headers_);
    curl_slist_free_all(addresses_);
    Secret::wipe(body_);
  }
  CurlPost(const CurlPost&) = delete;
  CurlPost& operator=(const CurlPost&) = delete;

  [[nodiscard]] DialId id() const { return id_; }
  [[nodiscard]] CURL* handle() const { return easy_.get(); }
  [[nodiscard]] Instant ends() const { return ends_; }
  /// What has to be looked up before it can start.
  [[nodiscard]] const std::vector<Query>& pending() const { return pending_; }

  /// Returns whether this was the last answer it waited for.
  bool take(const LookupEvent& event) {
    if (std::erase(pending_, event.query) == 0) return false;
    for (const IpAddress& address : event.answer.addresses)
      found_ += (found_.empty() ? "" : ",") + (address.v6 ? "[" + address.text() + "]" : address.text());
    return pending_.empty();
  }
  [[nodiscard]] bool has_address() const { return !found_.empty() || host_.empty() || is_address(host_); }

  void start(Instant now) {
    if (!found_.empty()) {
      const std::string entry = fmt::format("{}:{}:{}", host_, url_part(post_.url, CURLUPART_PORT), found_);
      addresses_ = curl_slist_append(nullptr, entry.c_str());
      easy_.set(CURLOPT_RESOLVE, addresses_);
    }
    configure(ends_ - now);
    curl_multi_add_handle(easy_.multi().get(), easy_.get());
  }

  [[nodiscard]] Result<EndpointAnswer, std::string> answer(CURLcode code) {
    if (code != CURLE_OK) return fail(diagnose(code));
    return EndpointAnswer{static_cast<int>(easy_.info<long>(CURLINFO_RESPONSE_CODE)), Secret(body_)};
  }

 private:
  void configure(Duration left) {
    const auto limit = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    headers_ = curl_slist_append(headers_, "Accept: application/json");
    easy_.set(CURLOPT_URL, post_.url.c_str());
    easy_.set(CURLOPT_PROTOCOLS_STR, "https");
    easy_.set(CURLOPT_FOLLOWLOCATION, 0L);
    easy_.set(CURLOPT_PROXY, "");
    easy_.set(CURLOPT_NOSIGNAL, 1L);
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
      case CURLE_COULDNT_RESOLVE_HOST: return kNotInDns;
      case CURLE_COULDNT_CONNECT: return "cannot be reached: " + (os_error != 0 ? error_text(os_error) : words);
      case CURLE_OPERATION_TIMEDOUT: return "does not answer in time";
      case CURLE_WRITE_ERROR: return fmt::format("answers with more than {} octets", kLongestAnswer);
      case CURLE_SSL_CACERT_BADFILE:
        return fmt::format("cannot be verified: ca_file {} cannot be read", printable(post_.ca_file));
      case CURLE_PEER_FAILED_VERIFICATION:
        return fmt::format("has a certificate that is not trusted: {}{}", words,
                           dated ? fmt::format(" (it is {} here; is the clock right?)", today()) : "");
      case CURLE_SSL_CONNECT_ERROR: return "fails in the TLS handshake: " + words;
      case CURLE_UNSUPPORTED_PROTOCOL:
      case CURLE_URL_MALFORMAT: return "is not an https URL";
      default: return fmt::format("fails: {} (libcurl {})", words, static_cast<int>(code));
    }
  }

  DialId id_;
  HttpPost post_;
  Instant ends_;
  std::string host_;
  std::vector<Query> pending_;
  std::string found_;  ///< the addresses of the host, as CURLOPT_RESOLVE wants them
  CurlEasy easy_;
  curl_slist* headers_ = nullptr;
  curl_slist* addresses_ = nullptr;
  std::string body_;
  std::array<char, CURL_ERROR_SIZE> error_{};
};

CurlTokenClient::CurlTokenClient(const Clock& clock, Resolver& resolver) : clock_(clock), resolver_(resolver) {}
CurlTokenClient::~CurlTokenClient() = default;

void CurlTokenClient::post(DialId id, HttpPost post) {
  if (!multi_) {
    start_libcurl();
    multi_ = std::make_shared<CurlMulti>();
  }
  CurlPost& added = *posts_.emplace_back(std::make_unique<CurlPost>(id, std::move(post), multi_, clock_.now()));
  if (added.pending().empty()) {
    added.start(clock_.now());
    return perform();
  }
  for (const Query& query : added.pending())
    resolver_.ask(query);
  take_addresses();
}

std::vector<HttpEvent> CurlTokenClient::take_answers() { return std::exchange(answers_, {}); }

void CurlTokenClient::cancel(DialId id) {
  std::erase_if(posts_, [&](const auto& post) { return post->id() == id; });
  std::erase_if(answers_, [&](const HttpEvent& event) { return event.id == id; });
}

Instant CurlTokenClient::interests(std::vector<pollfd>& fds, Instant now) {
  if (!answers_.empty()) return now;
  if (posts_.empty()) return Instant::max();
  return multi_->interests(fds, now);
}

void CurlTokenClient::serve(std::span<const pollfd>, Instant) {
  if (posts_.empty()) return;
  take_addresses();
  perform();
}

/// Starts the requests whose host is known by now, and ends those whose host has no address or was not found in time.
void CurlTokenClient::take_addresses() {
  std::vector<CurlPost*> ready;
  for (const LookupEvent& event : resolver_.take_answers()) {
    for (const auto& post : posts_) {
      if (post->take(event)) ready.push_back(post.get());
    }
  }
  for (CurlPost* post : ready) {
    if (post->has_address())
      post->start(clock_.now());
    else
      finish(post, fail(std::string(kNotInDns)));
  }
  const Instant now = clock_.now();
  std::vector<const CurlPost*> late;
  for (const auto& post : posts_) {
    if (!post->pending().empty() && post->ends() <= now) late.push_back(post.get());
  }
  for (const CurlPost* post : late)
    finish(post, fail(fmt::format("{} in time", kNotInDns)));
}

void CurlTokenClient::perform() {
  multi_->run();
  while (const auto done = multi_->take_done()) {
    const auto it =
        std::find_if(posts_.begin(), posts_.end(), [&](const auto& post) { return post->handle() == done->handle; });
    if (it != posts_.end()) finish(it->get(), (*it)->answer(done->code));
  }
}

void CurlTokenClient::finish(const CurlPost* post, Result<EndpointAnswer, std::string> answer) {
  answers_.push_back({post->id(), std::move(answer)});
  std::erase_if(posts_, [&](const auto& entry) { return entry.get() == post; });
}

}  // namespace relaypipe
