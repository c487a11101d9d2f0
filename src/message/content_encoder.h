#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace relaypipe {

/// What is known about a content once it was read to its end.
struct ContentFacts {
  std::uint64_t octets = 0;        ///< as read
  std::uint64_t size = 0;          ///< as RFC 1870 counts it: CRLF line ends, without dot-stuffing and final dot
  std::uint64_t wire = 0;          ///< encoded octets: `size` and the stuffed dots
  std::uint64_t queue_size = 0;    ///< Postfix's `${size}` for this content when nothing edited it
  std::uint64_t header_lines = 0;  ///< lines before the first empty one
  bool eight_bit_body = false;     ///< an octet above 127 after the first empty line: BODY=8BITMIME where offered
  bool ends_in_newline = true;     ///< the last octet read was LF (an empty content counts as ended)
};

/// Turns a content with LF (or CRLF) line ends into the wire form of DATA: CRLF line ends and dot-stuffing (RFC
/// 5321 4.5.2), without the final dot. Streaming: the state is carried, so every split of the input gives the same
/// output.
///
/// No CR and no LF leaves but in CRLF, since receivers disagree on the others and that is how messages are smuggled: a
/// CR that does not belong to a line end becomes a blank, as Postfix's cleanup(8) does (cleanup_replace_stray_cr_lf).
/// Other octets, NUL included, pass unchanged. A line longer than `line_limit` octets (0: no limit) is broken by CRLF
/// and a blank, as smtp(8) does (smtp_line_length_limit).
class ContentEncoder {
 public:
  /// A continuation line is a blank and at least one octet, so a limit of 1 is taken as 2.
  explicit ContentEncoder(std::size_t line_limit) : line_limit_(line_limit == 1 ? 2 : line_limit) {}

  /// Encodes the next part of the content and appends what is ready to `wire`.
  void feed(std::string_view part, std::string& wire);
  /// Ends the content: a last line without line end gets one. To be called once.
  void finish(std::string& wire);
  /// The counts; final after finish().
  [[nodiscard]] const ContentFacts& facts() const { return facts_; }

 private:
  void take_line_octets(std::string_view run, std::string& wire);
  void end_line(std::string& wire);
  void put(std::string_view run, std::string& wire);
  void count_wire(std::size_t added);

  std::size_t line_limit_;
  std::size_t column_ =
      0;  // octets in the present output line, a stuffed dot not counted; 0 only where a real line begins
  std::uint64_t line_octets_ = 0;  // octets of the present line as read
  std::uint64_t stuffed_ = 0;      // dots
  bool held_cr_ = false;           // the last octet read was CR: part of a line end or a blank, as the next one tells
  bool in_header_ = true;
  ContentFacts facts_;
};

}  // namespace relaypipe
