#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "message/message_source.h"

namespace relaypipe {

/// One change to a header: the octets from `begin` up to `end` give way to `text`. With `begin` = `end` the text is put
/// in, with an empty text they are taken out.
struct Edit {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::string text;  ///< in wire form: CRLF, a line that begins with a dot with another one before it
};

/// A message with changes to its header, while its source stays what it is. Octets are taken from the source when they
/// are read, so memory is that of the edits alone, and the source may still be growing behind them.
///
/// facts(): `size`, `wire` and `header_lines` are those of the edited message; `octets`, `queue_size` and the facts of
/// the body are the source's, since they tell what was read.
class EditedMessage final : public MessageSource {
 public:
  /// The source outlives it. Edits do not overlap and are within the header, which the source has already; of several
  /// texts for one place the first one comes first.
  EditedMessage(MessageSource& source, std::vector<Edit> edits);

  [[nodiscard]] State state() const override { return broken_ ? State::Failed : source_.state(); }
  [[nodiscard]] const std::string& failure() const override { return broken_ ? failure_ : source_.failure(); }
  [[nodiscard]] const ContentFacts& facts() const override;
  std::string_view read(std::uint64_t offset) override;

 private:
  /// A run of octets of one origin.
  struct Run {
    std::uint64_t begin = 0;   ///< in the edited message
    std::uint64_t source = 0;  ///< where it begins in the source; of a text, where it is put in
    std::uint64_t size = 0;    ///< of the last run: unknown, up to the end of the source
    std::string text = {};     ///< empty: octets of the source
  };
  /// What octets count for.
  struct Count {
    std::int64_t octets = 0;
    std::int64_t stuffed = 0;
    std::int64_t lines = 0;
  };

  Count count_source(std::uint64_t begin, std::uint64_t end);
  void add(const Count& count, std::int64_t sign);

  MessageSource& source_;
  std::vector<Run> runs_;
  Count change_;
  bool broken_ = false;
  std::string failure_;
  mutable ContentFacts facts_;
};

}  // namespace relaypipe
