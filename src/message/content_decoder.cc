#include "message/content_decoder.h"

namespace relaypipe {

ContentDecoder::Part ContentDecoder::feed(std::string_view wire) {
  if (wire.empty()) return {};
  if (at_ == At::LineBegin && wire.front() == '.') {
    at_ = At::AfterDot;
    return {{}, 1, false};
  }
  if (at_ == At::AfterDot || at_ == At::AfterDotCr) return feed_after_dot(wire.front());
  return feed_line(wire);
}

/// Looks at the octet behind a dot at the beginning of a line, or behind such a dot and CR.
ContentDecoder::Part ContentDecoder::feed_after_dot(char next) {
  if (at_ == At::AfterDot) {
    at_ = next == '\r' ? At::AfterDotCr : At::InLine;
    return {{}, next == '\r' ? 1U : 0U, false};
  }
  const bool ended = next == '\n';
  at_ = ended ? At::LineBegin : At::AfterCr;
  return ended ? Part{{}, 1, true} : Part{"\r", 0, false};
}

/// Passes on what comes before the next dot at the beginning of a line.
ContentDecoder::Part ContentDecoder::feed_line(std::string_view wire) {
  std::size_t end = wire.size();
  bool at_dot = false;
  for (std::size_t from = 0; !at_dot;) {
    const std::size_t found = wire.find("\n.", from);
    if (found == std::string_view::npos) break;
    at_dot = found > 0 ? wire[found - 1] == '\r' : at_ == At::AfterCr;
    if (at_dot) end = found + 1;
    from = found + 1;
  }
  const bool line_end = wire[end - 1] == '\n' && (end > 1 ? wire[end - 2] == '\r' : at_ == At::AfterCr);
  at_ = line_end ? At::LineBegin : wire[end - 1] == '\r' ? At::AfterCr : At::InLine;
  return {wire.substr(0, end), end, false};
}

}  // namespace relaypipe
