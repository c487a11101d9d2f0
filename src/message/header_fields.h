#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "message/message_source.h"

namespace relaypipe {

/// Where a field of a header is (RFC 5322 2.2): offsets into the wire form of a MessageSource.
struct HeaderField {
  std::string name;         ///< in lower case
  std::uint64_t begin = 0;  ///< its first octet; a stuffed dot before it belongs to it
  std::uint64_t body = 0;   ///< behind its colon
  std::uint64_t end = 0;    ///< behind the CRLF of its last line, where the next field begins

  friend bool operator==(const HeaderField&, const HeaderField&) = default;
};

/// Finds fields in the header of a content in its wire form (CRLF, dot-stuffed). Streaming: the state is carried, so
/// every split of the input gives the same fields. Memory does not grow with the header: only fields that were asked
/// for are kept, and no more than `most` of them.
///
/// A line that begins with a blank continues the field before it. The header ends at an empty line, and at a line that
/// is not a field: not 1 or more visible ASCII octets, perhaps blanks (RFC 5322 4.5.8), and a colon, as Postfix's
/// cleanup(8) has it (is_header.c). The body of a field never has a stuffed dot, since its lines begin with a blank.
class HeaderScanner {
 public:
  static constexpr std::size_t kMostFields = 1000;

  /// `names`: in lower case.
  explicit HeaderScanner(std::vector<std::string> names, std::size_t most = kMostFields)
      : names_(std::move(names)), most_(most) {}

  /// The next octets of the content.
  void feed(std::string_view wire);
  /// The content has no more octets.
  void finish();

  /// Whether the end of the header was seen.
  [[nodiscard]] bool ended() const { return ended_; }
  /// Behind the last field, where another one can be put in; final when ended().
  [[nodiscard]] std::uint64_t end() const { return line_begin_; }
  /// In their order; the last one may still grow until ended().
  [[nodiscard]] const std::vector<HeaderField>& fields() const { return fields_; }
  /// Whether there were more than `most` of them.
  [[nodiscard]] bool overflowed() const { return overflowed_; }

 private:
  enum class At { LineBegin, Name, NameBlank, Body };

  void take(char next);
  void begin_line(char next);
  void begin_body();
  void close_field();
  void end_header();

  std::vector<std::string> names_;
  std::size_t most_;
  At at_ = At::LineBegin;
  std::uint64_t offset_ = 0;      ///< of the next octet
  std::uint64_t line_begin_ = 0;  ///< of the line it is in
  std::string name_;              ///< of that line, as far as it can be one of `names`
  bool named_ = false;            ///< it has an octet
  bool in_field_ = false;         ///< a field has begun
  bool open_ = false;             ///< the last of `fields_` is that field
  bool ended_ = false;
  bool overflowed_ = false;
  std::vector<HeaderField> fields_;
};

/// What a header has of the fields that were asked for.
struct Header {
  std::vector<HeaderField> fields;  ///< in their order
  std::uint64_t end = 0;            ///< behind the last field, where another one can be put in
  /// What has to follow a field that is put in at `end`: an empty line where a blank comes next, which would continue
  /// it (a content without a header that begins with one), else nothing.
  std::string_view closing = {};
};

/// Reads the header of a message, which may still be growing. The error is the end of a sentence that begins with "the
/// header": it is not whole yet, it cannot be read back, or it has more such fields than any honest message.
Result<Header, std::string> read_header(MessageSource& message, std::vector<std::string> names);

/// The body of a field: the octets behind its colon without the last CRLF, folded as they are. The error, for one of
/// more than `most` octets or that cannot be read back, is the end of a sentence that begins with the field's name.
Result<std::string, std::string> field_body(MessageSource& message, const HeaderField& field,
                                            std::size_t most = std::size_t{256} << 10U);

}  // namespace relaypipe
