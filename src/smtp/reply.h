#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "smtp/enhanced_status.h"

namespace relaypipe {

/// One complete reply of a relay (RFC 5321 4.2), possibly of several lines. Its code is the last line's: servers exist
/// whose lines have different ones (postscreen greets with `220-` and then refuses with `521`), and smtp(8) goes by the
/// last one too.
struct Reply {
  int code = 0;  ///< 200 to 599
  std::vector<std::string>
      lines;              ///< what follows the code and its blank or hyphen, octets as received, without line end
  EnhancedStatus status;  ///< of the last line where its class is the code's first digit, else N.0.0 (smtp_chat.c)
  std::vector<int> codes = {};  ///< of each line, where not all have `code`; else empty

  [[nodiscard]] int klass() const { return code / 100; }
  [[nodiscard]] bool positive() const { return klass() == 2; }
  [[nodiscard]] bool soft() const { return klass() == 4; }
  [[nodiscard]] bool hard() const { return klass() == 5; }
  /// The reply as one printable line with all codes, as Postfix logs it: `550-5.1.1 no such 550 5.1.1 user`.
  [[nodiscard]] std::string text() const;
};

/// Why what came from the relay is not a reply.
enum class ReplyFault {
  NotAReply,  ///< a line that does not begin with a code from 200 to 599
  TooLong,    ///< more lines or octets than kReplyLines and kReplyOctets
};
std::string_view describe(ReplyFault fault);

inline constexpr std::size_t kReplyLineOctets =
    2048;                                        ///< more of one line is dropped, as Postfix does (line_length_limit)
inline constexpr std::size_t kReplyLines = 200;  ///< lines of one reply
inline constexpr std::size_t kReplyOctets = std::size_t{64} * 1024;  ///< octets of one reply, dropped ones included

/// Cuts a stream of octets into replies. Streaming: every split of the input gives the same replies.
/// A line ends at LF; a CR before it is taken off. After a fault it takes nothing more.
class ReplyParser {
 public:
  /// Takes octets up to the end of the next complete reply and returns how many it took: all of them when the reply is
  /// not complete yet.
  std::size_t feed(std::string_view octets);
  /// The complete reply, once; the parser is then ready for the next one.
  std::optional<Reply> take();
  [[nodiscard]] std::optional<ReplyFault> fault() const { return fault_; }
  /// The fault in words, with the beginning of the line that is no reply as far as it had come; printable.
  [[nodiscard]] std::string fault_text() const;
  /// Whether octets of a reply that is not complete yet have been taken.
  [[nodiscard]] bool in_reply() const;

 private:
  void append_to_line(std::string_view run);
  void end_line();
  void complete();

  Reply reply_;               // the lines that are complete, each with its code
  std::string line_;          // the one that is not, with its code, at most kReplyLineOctets
  bool line_is_cut_ = false;  // octets of it were dropped
  std::size_t octets_ = 0;    // taken for this reply, dropped ones included
  bool complete_ = false;     // reply_ waits for take()
  std::optional<ReplyFault> fault_;
};

}  // namespace relaypipe
