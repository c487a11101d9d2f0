#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "deliver/line_trace.h"
#include "deliver/observer.h"
#include "deliver/session.h"
#include "http/api_outcome.h"
#include "http/http_answer.h"
#include "http/http_request.h"

namespace relaypipe {

/// One request over a ready session, and its answer. It does what can be done now and never waits.
///
/// The last octet of a body is held back until all before it have left this machine and somebody releases it: without
/// it no server has the request (RFC 9112 section 8), so until then nothing is committed.
class HttpExchange {
 public:
  /// The references outlive it. `trace` may be null.
  HttpExchange(Session& session, const Peer& peer, const Secret& head, RequestBody& body, Trace* trace);

  /// Sends what can be sent; with `release` also the last octet, once it is its turn. Whether anything moved.
  bool send(bool release);
  /// Receives what is there. Whether anything came.
  bool receive();
  /// Whether the system has sent some of what it holds since it was looked at last: on a slow path this is all the
  /// progress there is for a while.
  bool drained();

  /// Whether all of the request was given to the system.
  [[nodiscard]] bool sent() const { return head_sent_ == head_.reveal().size() && body_.ended(); }
  /// Whether only octets that the system holds keep the last one back: nothing may tell when they have left.
  [[nodiscard]] bool draining() const { return draining_; }
  /// Whether an octet of the body may have left this machine.
  [[nodiscard]] bool body_begun() const { return body_.taken() > session_.unsent(); }
  /// Where it stands: Request, Content or EndOfData.
  [[nodiscard]] Stage stage() const;
  /// The body could not be read to its end.
  [[nodiscard]] bool unreadable() const { return unreadable_; }

  /// The whole answer, once.
  std::optional<HttpAnswer> take_answer() { return parser_.take(); }
  /// Why what came is not an answer; empty while nothing is wrong.
  [[nodiscard]] const std::string& fault() const { return parser_.fault(); }
  /// The connection ended without an answer.
  [[nodiscard]] bool lost() const { return lost_; }
  /// What the session is good for after the answer, of which `keeps` is told.
  [[nodiscard]] SessionEnd end_of_session(bool keeps) const;

  /// The text without what the request proved its sender with: providers repeat it in what they refuse.
  [[nodiscard]] std::string redact(std::string_view text) const;
  void redact(ApiRefusal& refusal) const;

 private:
  bool send_head();
  bool send_body(bool release);
  void note_answer(std::string_view octets);

  Session& session_;
  const Peer& peer_;
  const Secret& head_;
  RequestBody& body_;
  Trace* trace_;
  std::vector<Secret> words_;  ///< of the head and the credentials, that nobody may see
  HttpAnswerParser parser_;
  std::string line_;  ///< of the answer, for the trace
  std::size_t head_sent_ = 0;
  std::size_t held_ = std::numeric_limits<std::size_t>::max();  ///< octets unsent when they were looked at last
  bool draining_ = false;
  bool unreadable_ = false;
  bool excess_ = false;  ///< octets came behind the answer
  bool lost_ = false;
};

}  // namespace relaypipe
