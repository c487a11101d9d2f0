#include "message/content_encoder.h"

#include <cstring>

namespace relaypipe {
namespace {

constexpr std::size_t kRecordOctets = 2048;  // Postfix's line_length_limit by default: longer lines are several records

/// Whether any octet is above 127. Eight at a time: this is asked of every octet of a content.
bool holds_eight_bit(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080U;
  std::uint64_t seen = 0;
  while (text.size() >= sizeof seen) {
    std::uint64_t next = 0;
    std::memcpy(&next, text.data(), sizeof next);
    seen |= next;
    text.remove_prefix(sizeof next);
  }
  for (const char c : text)
    seen |= static_cast<unsigned char>(c);
  return (seen & kHighBits) != 0;
}

/// A queue file record: its type, its length in groups of seven bits, its data (Postfix: global/record.c, rec_put).
std::uint64_t record_octets(std::uint64_t data) {
  std::uint64_t head = 2;
  for (std::uint64_t rest = data >> 7U; rest != 0; rest >>= 7U)
    ++head;
  return head + data;
}

/// The records of one line. Of a body line a full record is written before the next octet is looked at, so one of just
/// a multiple of kRecordOctets has an empty record for its end; cleanup(8) has joined a header line before it writes
/// it.
std::uint64_t queue_octets(std::uint64_t line, bool in_header) {
  const std::uint64_t full = line / kRecordOctets * record_octets(kRecordOctets);
  const std::uint64_t rest = line % kRecordOctets;
  const bool ends_in_full = in_header && rest == 0 && line > 0;
  return ends_in_full ? full : full + record_octets(rest);
}

}  // namespace

void ContentEncoder::feed(std::string_view part, std::string& wire) {
  if (part.empty()) return;
  const std::size_t before = wire.size();
  facts_.octets += part.size();
  facts_.ends_in_newline = part.back() == '\n';
  while (!part.empty()) {
    const std::size_t end = part.find('\n');
    take_line_octets(part.substr(0, end), wire);
    if (end == std::string_view::npos) break;
    end_line(wire);
    part.remove_prefix(end + 1);
  }
  count_wire(wire.size() - before);
}

void ContentEncoder::finish(std::string& wire) {
  const std::size_t before = wire.size();
  if (held_cr_) put(" ", wire);
  held_cr_ = false;
  if (line_octets_ > 0) end_line(wire);
  count_wire(wire.size() - before);
}

/// Takes octets of the present line, without LF. A CR in the end is held back until it is known what follows it; of
/// several CRs before LF only the last one belongs to the line end.
void ContentEncoder::take_line_octets(std::string_view run, std::string& wire) {
  if (run.empty()) return;
  line_octets_ += run.size();
  if (!in_header_ && !facts_.eight_bit_body) facts_.eight_bit_body = holds_eight_bit(run);
  if (held_cr_) put(" ", wire);
  held_cr_ = run.back() == '\r';
  if (held_cr_) run.remove_suffix(1);
  for (;;) {
    const std::size_t stray = run.find('\r');
    put(run.substr(0, stray), wire);
    if (stray == std::string_view::npos) return;
    put(" ", wire);
    run.remove_prefix(stray + 1);
  }
}

void ContentEncoder::end_line(std::string& wire) {
  wire.append("\r\n");
  const bool empty = line_octets_ == (held_cr_ ? 1U : 0U);
  if (empty) in_header_ = false;
  if (in_header_) ++facts_.header_lines;
  facts_.queue_size += queue_octets(line_octets_, in_header_);
  line_octets_ = 0;
  column_ = 0;
  held_cr_ = false;
}

/// Appends octets that hold no CR and no LF. The limit is Postfix's smtp_text_out(): it counts octets and not
/// characters, so a fold may end inside a UTF-8 character; the stuffed dot does not count, the blank of a continuation
/// line does; a line of just the limit is not folded. Only a real line can begin with a dot, a continuation never does.
void ContentEncoder::put(std::string_view run, std::string& wire) {
  if (run.empty()) return;
  if (column_ == 0 && run.front() == '.') {
    wire.push_back('.');
    ++stuffed_;
  }
  while (line_limit_ > 0 && run.size() > line_limit_ - column_) {
    const std::size_t room = line_limit_ - column_;
    wire.append(run.substr(0, room)).append("\r\n ");
    run.remove_prefix(room);
    column_ = 1;
  }
  wire.append(run);
  column_ += run.size();
}

void ContentEncoder::count_wire(std::size_t added) {
  facts_.wire += added;
  facts_.size = facts_.wire - stuffed_;
}

}  // namespace relaypipe
