#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "http/http_field.h"
#include "message/content_decoder.h"
#include "message/message_source.h"

namespace relaypipe {

/// How the octets of the message appear in the body of a request.
enum class BodyCoding {
  AsIs,
  Base64,  ///< RFC 4648 section 4, with padding and without line ends
};

/// The message in the body of a request.
struct MessageInBody {
  BodyCoding coding = BodyCoding::AsIs;
  /// A whole Bcc field with its CRLFs that is put behind the message's own fields; empty: none. The message's own Bcc
  /// fields never go out (header_edits() in http/header_recipients.h).
  std::string bcc_field = {};

  /// How many octets it takes there, of so many of its own.
  [[nodiscard]] std::uint64_t coded_size(std::uint64_t octets) const {
    return coding == BodyCoding::Base64 ? (octets + 2) / 3 * 4 : octets;
  }
};

/// One request without what proves who asks: it holds no secret.
struct HttpRequest {
  std::string method;                                   ///< `POST`, `GET`
  std::string target;                                   ///< path and query, percent-encoded
  std::vector<HttpField> fields;                        ///< beside Host, Content-Length, Authorization and their like
  std::string before;                                   ///< octets of the body before the message
  std::string after;                                    ///< and behind it
  std::optional<MessageInBody> message = std::nullopt;  ///< nothing: the body is `before` and `after`
};

/// The body of a request in pieces, as often as it is wanted: once for its digest, once for the wire. Memory is flat.
class RequestBody {
 public:
  /// `content`: the message as it goes out (message/edited_message), complete; not asked where the request has none.
  /// Both outlive the body.
  RequestBody(const HttpRequest& request, MessageSource* content);

  /// Octets of the whole body: Content-Length.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// The octets that come next; the view holds until take() or rewind(). Empty at the end, and where the message
  /// cannot be read any more.
  std::string_view next();
  /// The first `count` octets of next() are done with.
  void take(std::size_t count);
  [[nodiscard]] std::uint64_t taken() const { return taken_; }
  [[nodiscard]] bool ended() const { return taken_ == size_; }
  /// Begins again.
  void rewind();

 private:
  enum class Part { Before, Message, After, End };

  bool fill();
  bool fill_from_message();
  void encode(std::string_view content);

  const HttpRequest& request_;
  MessageSource* content_;
  std::uint64_t size_ = 0;
  std::uint64_t taken_ = 0;
  Part part_ = Part::Before;
  std::uint64_t offset_ = 0;  // into the wire form of the message
  ContentDecoder decoder_;
  std::string held_;     // up to two octets that make no base64 group yet
  std::string buffer_;   // the piece that is handed out
  std::string_view at_;  // what of it was not taken
};

/// A field that proves who asks.
struct SecretField {
  std::string_view name;
  Secret value;
};

/// The head of a request, up to and with the empty line.
Secret request_head(const HttpRequest& request, std::string_view host, std::uint64_t body_size,
                    const std::vector<SecretField>& fields);

}  // namespace relaypipe
