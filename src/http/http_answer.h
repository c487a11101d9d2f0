#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/http_field.h"

namespace relaypipe {

inline constexpr std::size_t kAnswerHeadOctets = std::size_t{32} * 1024;  ///< of status line and fields, 1xx included
inline constexpr std::size_t kAnswerFields = 200;
inline constexpr std::size_t kAnswerBodyOctets = std::size_t{64} * 1024;  ///< and as many of chunk sizes and trailers

/// What is said to whoever may not (RFC 9110 sections 15.5.2 and 15.5.4).
inline constexpr int kUnauthorized = 401;
inline constexpr int kForbidden = 403;

/// One complete answer (RFC 9112), final: not 1xx.
struct HttpAnswer {
  int status = 0;                 ///< 200 to 599
  std::string reason;             ///< the words behind it, octets as received; may be empty
  std::vector<HttpField> fields;  ///< in their order; names in lower case, values trimmed
  std::string body;               ///< without chunk sizes
  bool keeps = false;             ///< the connection takes another request

  [[nodiscard]] std::string_view field(std::string_view name) const { return field_value(fields, name); }
};

/// Reads one answer out of a stream of octets. Streaming: every split of the input gives the same answer.
///
/// Strict, since an answer that is misread may lose a message or send it twice: HTTP/1.0 or 1.1, every line ends with
/// CRLF, Content-Length is one number, Transfer-Encoding is `chunked` alone and never beside Content-Length, no folded
/// field, no coding of the content. Everything else is a fault.
class HttpAnswerParser {
 public:
  /// Takes octets up to the end of the answer and returns how many it took. Nothing more after a fault or the end.
  std::size_t feed(std::string_view octets);
  /// The connection ended: the end of an answer that tells no length, else a fault.
  void end();

  /// Whether octets of an answer came, or of a 1xx before it.
  [[nodiscard]] bool begun() const { return head_octets_ > 0; }
  [[nodiscard]] bool complete() const { return state_ == State::Complete; }
  /// The complete answer, once.
  std::optional<HttpAnswer> take();
  /// Why what came is not an answer: a printable phrase; empty while nothing is wrong.
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  enum class State { StatusLine, Fields, Body, UntilEnd, ChunkSize, Chunk, ChunkEnd, Trailers, Complete, Failed };

  std::size_t feed_line(std::string_view octets);
  std::size_t feed_body(std::string_view octets);
  void end_line();
  void read_status_line();
  void read_field();
  void end_head();
  void begin_body();
  void read_chunk_size();
  void fail(std::string_view fault);

  State state_ = State::StatusLine;
  HttpAnswer answer_;
  std::string line_;
  std::uint64_t awaited_ = 0;       // octets of the body, or of the chunk
  std::size_t head_octets_ = 0;     // of the head, or of several
  std::size_t framing_octets_ = 0;  // of chunk sizes and trailers
  bool http_1_0_ = false;
  std::string fault_;
};

}  // namespace relaypipe
