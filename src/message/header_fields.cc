#include "message/header_fields.h"

#include <algorithm>
#include <utility>

namespace relaypipe {
namespace {

constexpr std::size_t kLongestName = 76;  // longer than any name that is asked for

char folded(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_blank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

void HeaderScanner::feed(std::string_view wire) {
  while (!wire.empty() && !ended_) {
    if (at_ != At::Body) {
      take(wire.front());
      // The octet that ends the header is not part of it.
      if (ended_) return;
      wire.remove_prefix(1);
      ++offset_;
      continue;
    }
    const std::size_t end = wire.find('\n');
    const std::size_t taken = end == std::string_view::npos ? wire.size() : end + 1;
    wire.remove_prefix(taken);
    offset_ += taken;
    if (end == std::string_view::npos) return;
    at_ = At::LineBegin;
    line_begin_ = offset_;
  }
}

void HeaderScanner::finish() {
  if (ended_) return;
  // A last line without its end: of a field it belongs to it, else it is no field.
  if (at_ == At::Body) line_begin_ = offset_;
  end_header();
}

void HeaderScanner::take(char next) {
  if (at_ == At::LineBegin) return begin_line(next);
  if (next == ':' && named_) return begin_body();
  if (is_blank(next) && named_) {
    at_ = At::NameBlank;
    return;
  }
  const bool visible = next > ' ' && next < '\x7F' && next != ':';
  if (at_ == At::NameBlank || !visible) return end_header();
  named_ = true;
  if (name_.size() <= kLongestName) name_ += folded(next);
}

void HeaderScanner::begin_line(char next) {
  if (is_blank(next) && in_field_) {
    at_ = At::Body;
    return;
  }
  close_field();
  at_ = At::Name;
  name_.clear();
  named_ = false;
  // A dot in front of a line is a stuffed one.
  if (next != '.') take(next);
}

void HeaderScanner::begin_body() {
  in_field_ = true;
  at_ = At::Body;
  if (std::find(names_.begin(), names_.end(), name_) == names_.end()) return;
  overflowed_ = overflowed_ || fields_.size() == most_;
  if (overflowed_) return;
  open_ = true;
  fields_.push_back({name_, line_begin_, offset_ + 1, offset_ + 1});
}

void HeaderScanner::close_field() {
  if (open_) fields_.back().end = line_begin_;
  open_ = false;
  in_field_ = false;
}

void HeaderScanner::end_header() {
  close_field();
  ended_ = true;
}

Result<Header, std::string> read_header(MessageSource& message, std::vector<std::string> names) {
  HeaderScanner scanner(std::move(names));
  for (std::uint64_t offset = 0; !scanner.ended();) {
    if (offset == message.facts().wire) {
      if (message.state() != MessageSource::State::Complete) return fail(std::string("is not whole yet"));
      scanner.finish();
      break;
    }
    const std::string_view piece = message.read(offset);
    if (piece.empty()) return fail(std::string("cannot be read back"));
    scanner.feed(piece);
    offset += piece.size();
  }
  if (scanner.overflowed()) {
    return fail("has more than " + std::to_string(HeaderScanner::kMostFields) + " fields of the same kinds");
  }
  const std::string_view next = scanner.end() < message.facts().wire ? message.read(scanner.end()) : std::string_view();
  const bool blank = !next.empty() && is_blank(next.front());
  return Header{scanner.fields(), scanner.end(), blank ? "\r\n" : ""};
}

Result<std::string, std::string> field_body(MessageSource& message, const HeaderField& field, std::size_t most) {
  const std::uint64_t size = field.end - field.body;
  if (size > most) return fail("is longer than " + std::to_string(most) + " octets");
  std::string body;
  while (body.size() < size) {
    const std::string_view piece = message.read(field.body + body.size()).substr(0, size - body.size());
    if (piece.empty()) return fail(std::string("cannot be read back"));
    body += piece;
  }
  if (body.ends_with("\r\n")) body.resize(body.size() - 2);
  return body;
}

}  // namespace relaypipe
