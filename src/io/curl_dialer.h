#pragma once

#include <memory>
#include <vector>

#include "deliver/interfaces.h"
#include "deliver/pollable.h"

namespace relaypipe {

class CurlAttempt;
class CurlMulti;

/// Opens sessions with libcurl in CONNECT_ONLY mode: TCP, greeting, EHLO, STARTTLS and AUTH are libcurl's, everything
/// from MAIL on is ours. All attempts, and the sessions that came out of them, live in one multi handle.
class CurlDialer final : public Dialer, public Pollable {
 public:
  /// `trace` may be null. The first dialer of the process initialises libcurl.
  CurlDialer(const Clock& clock, Trace* trace);
  ~CurlDialer() override;
  CurlDialer(const CurlDialer&) = delete;
  CurlDialer& operator=(const CurlDialer&) = delete;

  void start(DialId id, const DialTarget& target) override;
  Stage cancel(DialId id) override;
  [[nodiscard]] Stage stage(DialId id) const override;
  std::vector<DialEvent> take_events() override;

  Instant interests(std::vector<pollfd>& fds, Instant now) override;
  void serve(std::span<const pollfd> fds, Instant now) override;

 private:
  void collect_finished();
  void enforce_limits(Instant now);

  const Clock& clock_;
  Trace* trace_;
  std::shared_ptr<CurlMulti> multi_;
  std::vector<std::unique_ptr<CurlAttempt>> attempts_;
  std::vector<DialEvent> events_;
};

}  // namespace relaypipe
