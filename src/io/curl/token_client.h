#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/ids.h"
#include "oauth/token_services.h"
#include "route/resolver.h"

namespace relaypipe {

class CurlMulti;
class CurlPost;

/// Asks token endpoints with libcurl: POST over HTTPS with a verified certificate, TLS 1.2 or newer, no redirects, no
/// proxy, a short answer. Host names are looked up as those of relays are, by a resolver that somebody else polls:
/// libcurl's own lookups would try the search domains. It has a multi handle of its own, made with the first request:
/// most deliveries make none.
class CurlTokenClient final : public HttpPoster, public Pollable {
 public:
  CurlTokenClient(const Clock& clock, Resolver& resolver);
  ~CurlTokenClient() override;
  CurlTokenClient(const CurlTokenClient&) = delete;
  CurlTokenClient& operator=(const CurlTokenClient&) = delete;

  void post(DialId id, HttpPost post) override;
  std::vector<HttpEvent> take_answers() override;
  void cancel(DialId id) override;

  Instant interests(std::vector<pollfd>& fds, Instant now) override;
  void serve(std::span<const pollfd> fds, Instant now) override;

 private:
  void take_addresses();
  void perform();
  void finish(const CurlPost* post, Result<EndpointAnswer, std::string> answer);

  const Clock& clock_;
  Resolver& resolver_;
  std::shared_ptr<CurlMulti> multi_;
  std::vector<std::unique_ptr<CurlPost>> posts_;
  std::vector<HttpEvent> answers_;
};

}  // namespace relaypipe
