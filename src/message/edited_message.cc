#include "message/edited_message.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace relaypipe {
namespace {

/// Counts octets that come in pieces.
struct Counter {
  std::int64_t octets = 0;
  std::int64_t stuffed = 0;
  std::int64_t lines = 0;
  bool at_line_begin = true;

  void take(std::string_view piece) {
    octets += static_cast<std::int64_t>(piece.size());
    for (const char c : piece) {
      if (at_line_begin && c == '.') ++stuffed;
      at_line_begin = c == '\n';
      if (at_line_begin) ++lines;
    }
  }
};

}  // namespace

EditedMessage::EditedMessage(MessageSource& source, std::vector<Edit> edits) : source_(source) {
  std::stable_sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) {
    // What is put in at a place comes before what is taken out from there.
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t from = 0;
  std::uint64_t offset = 0;
  const auto append = [&](Run run) {
    run.begin = offset;
    offset += run.size;
    if (run.size > 0) runs_.push_back(std::move(run));
  };
  for (Edit& edit : edits) {
    assert(edit.begin >= from && edit.end >= edit.begin);
    append({.source = from, .size = edit.begin - from});
    // A text in the middle of a line begins no line: only what is there tells.
    const std::uint64_t line = edit.begin == 0 ? 0 : edit.begin - 1;
    Count removed = count_source(line, edit.end);
    Count kept = count_source(line, edit.begin);
    Counter added;
    added.at_line_begin = edit.begin == 0 || source_.read(line).starts_with('\n');
    added.take(edit.text);
    add({removed.octets - kept.octets, removed.stuffed - kept.stuffed, removed.lines - kept.lines}, -1);
    add({added.octets, added.stuffed, added.lines}, 1);
    from = edit.end;
    const std::uint64_t size = edit.text.size();
    append({.source = edit.begin, .size = size, .text = std::move(edit.text)});
  }
  runs_.push_back({.begin = offset, .source = from});
}

/// Counts octets of the source. That the first of them begins a line where it is at the beginning of the content, and
/// else does not, is for the caller to arrange.
EditedMessage::Count EditedMessage::count_source(std::uint64_t begin, std::uint64_t end) {
  Counter counter;
  counter.at_line_begin = begin == 0;
  while (begin < end) {
    const std::string_view piece = source_.read(begin).substr(0, end - begin);
    if (piece.empty()) {
      broken_ = true;
      failure_ = "the header cannot be read back";
      break;
    }
    counter.take(piece);
    begin += piece.size();
  }
  return {counter.octets, counter.stuffed, counter.lines};
}

void EditedMessage::add(const Count& count, std::int64_t sign) {
  change_.octets += sign * count.octets;
  change_.stuffed += sign * count.stuffed;
  change_.lines += sign * count.lines;
}

const ContentFacts& EditedMessage::facts() const {
  facts_ = source_.facts();
  const auto changed = [](std::uint64_t value, std::int64_t by) { return value + static_cast<std::uint64_t>(by); };
  facts_.wire = changed(facts_.wire, change_.octets);
  facts_.size = changed(facts_.size, change_.octets - change_.stuffed);
  facts_.header_lines = changed(facts_.header_lines, change_.lines);
  return facts_;
}

std::string_view EditedMessage::read(std::uint64_t offset) {
  if (broken_) return {};
  const auto after = std::upper_bound(runs_.begin(), runs_.end(), offset,
                                      [](std::uint64_t at, const Run& run) { return at < run.begin; });
  const Run& run = *std::prev(after);
  const std::uint64_t inside = offset - run.begin;
  if (!run.text.empty()) return std::string_view(run.text).substr(inside);
  const std::string_view piece = source_.read(run.source + inside);
  return after == runs_.end() ? piece : piece.substr(0, run.size - inside);
}

}  // namespace relaypipe
