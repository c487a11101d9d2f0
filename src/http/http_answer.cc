#include "http/http_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/printable.h"
#include "base/text.h"

namespace relaypipe {
namespace {

constexpr std::size_t kShownOctets = 60;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  const auto fits = [&](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kMarks.find(c) != kMarks.npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

/// A number of at most 12 digits of that base.
std::optional<std::uint64_t> number_of(std::string_view text, unsigned base) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr std::size_t kMost = 12;
  if (text.empty() || text.size() > kMost) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : lower(text)) {
    const std::size_t digit = kDigits.find(c);
    if (digit >= base) return std::nullopt;
    number = number * base + digit;
  }
  return number;
}

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    if (lower(trimmed(item)) == word) return true;
    list.remove_prefix(std::min(item.size() + 1, list.size()));
  }
  return false;
}

}  // namespace

std::size_t HttpAnswerParser::feed(std::string_view octets) {
  std::size_t taken = 0;
  while (taken < octets.size() && state_ != State::Complete && state_ != State::Failed) {
    const std::string_view rest = octets.substr(taken);
    const bool body = state_ == State::Body || state_ == State::UntilEnd || state_ == State::Chunk;
    taken += body ? feed_body(rest) : feed_line(rest);
  }
  return taken;
}

void HttpAnswerParser::end() {
  if (state_ == State::Complete || state_ == State::Failed) return;
  if (state_ == State::UntilEnd) {
    state_ = State::Complete;
    return;
  }
  fail(begun() ? "an answer that ends too early" : "no answer");
}

std::optional<HttpAnswer> HttpAnswerParser::take() {
  if (state_ != State::Complete) return std::nullopt;
  return std::exchange(answer_, {});
}

/// Takes octets up to the end of a line.
std::size_t HttpAnswerParser::feed_line(std::string_view octets) {
  const std::size_t end = octets.find('\n');
  const std::size_t taken = end == octets.npos ? octets.size() : end + 1;
  const bool framing = state_ == State::ChunkSize || state_ == State::ChunkEnd || state_ == State::Trailers;
  std::size_t& counted = framing ? framing_octets_ : head_octets_;
  counted += taken;
  if (counted > (framing ? kAnswerBodyOctets : kAnswerHeadOctets)) {
    fail(framing ? "an answer with too many chunks" : "an answer with too long a head");
    return taken;
  }
  line_.append(octets.substr(0, taken));
  if (end == octets.npos) return taken;
  if (!line_.ends_with("\r\n")) {
    fail("a line that ends without CR");
    return taken;
  }
  line_.resize(line_.size() - 2);
  // NUL and bare CR have no place in a line, and are how two readers see two answers.
  if (line_.find_first_of(std::string_view("\r\0", 2)) != line_.npos)
    fail("a line with a CR or NUL inside");
  else
    end_line();
  line_.clear();
  return taken;
}

std::size_t HttpAnswerParser::feed_body(std::string_view octets) {
  const std::size_t taken =
      state_ == State::UntilEnd ? octets.size() : std::min<std::uint64_t>(octets.size(), awaited_);
  if (answer_.body.size() + taken > kAnswerBodyOctets) {
    fail(fmt::format("an answer of more than {} octets", kAnswerBodyOctets));
    return taken;
  }
  answer_.body.append(octets.substr(0, taken));
  if (state_ == State::UntilEnd) return taken;
  awaited_ -= taken;
  if (awaited_ == 0) state_ = state_ == State::Chunk ? State::ChunkEnd : State::Complete;
  return taken;
}

void HttpAnswerParser::end_line() {
  switch (state_) {
    case State::StatusLine: return read_status_line();
    case State::Fields: return line_.empty() ? end_head() : read_field();
    case State::ChunkSize: return read_chunk_size();
    case State::ChunkEnd:
      if (!line_.empty()) return fail("a chunk that is longer than it says");
      state_ = State::ChunkSize;
      return;
    case State::Trailers:
      if (line_.empty()) state_ = State::Complete;
      return;
    default: return;
  }
}

/// `HTTP/1.1 200 OK` (RFC 9112 section 4); some servers leave the blank before an empty phrase out.
void HttpAnswerParser::read_status_line() {
  constexpr std::size_t kStatus = 9;  // where its digits begin
  constexpr std::size_t kEnd = 12;
  const std::string_view line = line_;
  const bool version = line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 ");
  const std::string_view digits = line.substr(std::min(kStatus, line.size()), kEnd - kStatus);
  const bool ends = line.size() == kEnd || (line.size() > kEnd && line[kEnd] == ' ');
  const auto status = number_of(digits, 10);
  if (!version || !ends || digits.size() != 3 || !status || *status < 100 || *status > 599)
    return fail(fmt::format("a line that begins no answer ({})", printable(clip(line, kShownOctets))));
  http_1_0_ = line[7] == '0';
  answer_.status = static_cast<int>(*status);
  answer_.reason = trimmed(line.substr(kEnd));
  state_ = State::Fields;
}

void HttpAnswerParser::read_field() {
  const std::size_t colon = line_.find(':');
  const std::string_view name = std::string_view(line_).substr(0, colon);
  if (colon == line_.npos || !is_token(name) || answer_.fields.size() == kAnswerFields)
    return fail(fmt::format("a line that is not a field ({})", printable(clip(line_, kShownOctets))));
  answer_.fields.push_back({lower(name), std::string(trimmed(std::string_view(line_).substr(colon + 1)))});
}

void HttpAnswerParser::end_head() {
  if (answer_.status == 101) return fail("101 Switching Protocols");
  if (answer_.status < 200) {
    answer_ = {};
    state_ = State::StatusLine;
    return;
  }
  const std::string_view connection = answer_.field("connection");
  answer_.keeps = http_1_0_ ? has_word(connection, "keep-alive") : !has_word(connection, "close");
  const std::string_view coding = answer_.field("content-encoding");
  if (!coding.empty() && lower(coding) != "identity") return fail("an answer with a coding nobody asked for");
  begin_body();
}

/// Decides how long the body is (RFC 9112 section 6.3).
void HttpAnswerParser::begin_body() {
  const auto count = [&](std::string_view name) {
    return std::count_if(answer_.fields.begin(), answer_.fields.end(),
                         [&](const HttpField& f) { return f.name == name; });
  };
  const auto lengths = count("content-length");
  const auto codings = count("transfer-encoding");
  if (lengths + codings > 1) return fail("an answer that tells its length twice");
  if (answer_.status == 204 || answer_.status == 304) {
    state_ = State::Complete;
  } else if (codings == 1) {
    const bool chunked = !http_1_0_ && lower(answer_.field("transfer-encoding")) == "chunked";
    if (!chunked) return fail("an answer with a transfer coding nobody asked for");
    state_ = State::ChunkSize;
  } else if (lengths == 1) {
    const auto length = number_of(answer_.field("content-length"), 10);
    if (!length) return fail("an answer with a length that is not a number");
    awaited_ = *length;
    state_ = awaited_ == 0 ? State::Complete : State::Body;
  } else {
    answer_.keeps = false;
    state_ = State::UntilEnd;
  }
}

void HttpAnswerParser::read_chunk_size() {
  const std::string_view size = trimmed(std::string_view(line_).substr(0, line_.find(';')));
  const auto octets = number_of(size, 16);
  if (!octets) return fail("a chunk without a size");
  awaited_ = *octets;
  state_ = awaited_ == 0 ? State::Trailers : State::Chunk;
}

void HttpAnswerParser::fail(std::string_view fault) {
  fault_ = fault;
  state_ = State::Failed;
}

}  // namespace relaypipe
