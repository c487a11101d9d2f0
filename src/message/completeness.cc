#include "message/completeness.h"

#include <fmt/format.h>

#include <algorithm>

namespace relaypipe {

std::optional<std::string> truncation(const ContentFacts& content, const Envelope& envelope, std::uint64_t tolerance) {
  constexpr std::uint64_t kEmptyTail = 2;       // an empty record behind a last line that had no line end
  constexpr std::uint64_t kMilterRecords = 34;  // two pointer records of 17 octets
  constexpr std::uint64_t kHeaderPadding = 15;
  if (envelope.delimited || (envelope.queue_id.empty() && !envelope.announced_size)) return std::nullopt;
  if (!content.ends_in_newline) return "its last line has no line end";
  if (!envelope.announced_size) return std::nullopt;
  const std::uint64_t announced = *envelope.announced_size;
  const std::uint64_t room =
      kEmptyTail + kMilterRecords + kHeaderPadding * content.header_lines + std::min(tolerance, announced / 2);
  if (content.queue_size + room >= announced) return std::nullopt;
  return fmt::format(
      "{} octets came (as Postfix counts them) of {} announced; if a milter shortens messages, raise size_tolerance",
      content.queue_size, announced);
}

}  // namespace relaypipe
