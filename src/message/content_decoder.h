#pragma once

#include <cstddef>
#include <string_view>

namespace relaypipe {

/// Takes a content out of the wire form of DATA (RFC 5321 4.5.2): without the stuffed dots and up to the final dot.
/// Streaming: the state is carried, so every split of the input gives the same content.
///
/// A line ends at CRLF and nowhere else. So no bare CR or LF ends the content, and a dot behind one is a dot as any
/// other: receivers that see it differently are how messages are smuggled. Bare ones are passed on; ContentEncoder
/// makes them harmless.
class ContentDecoder {
 public:
  struct Part {
    std::string_view content;  ///< octets of the content, in `wire` or constant; may be empty
    std::size_t taken = 0;     ///< octets of `wire` that are done with
    bool ended = false;        ///< the last of them was the LF behind the final dot
  };

  /// The next run of content from the beginning of `wire`, as long as it stands there in one piece. To be called with
  /// what is left until nothing is, or the content has ended.
  Part feed(std::string_view wire);

 private:
  enum class At {
    LineBegin,  ///< CRLF came before, or nothing
    InLine,
    AfterCr,     ///< the octet before was CR, which belongs to the content
    AfterDot,    ///< a dot stands at the beginning of the line; it is not passed on
    AfterDotCr,  ///< CR came after it and is held back
  };

  Part feed_after_dot(char next);
  Part feed_line(std::string_view wire);

  At at_ = At::LineBegin;
};

}  // namespace relaypipe
