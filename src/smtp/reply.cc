#include "smtp/reply.h"

#include <algorithm>
#include <utility>

#include "base/printable.h"

namespace relaypipe {
namespace {

constexpr std::size_t kCodeDigits = 3;
constexpr std::size_t kQuotedOctets = 100;  ///< of a line that is no reply

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Whether a reply line may begin with these octets. Asked as they come in, so that a peer that speaks another protocol
/// is found out at its first octets and not when the time limit ends.
bool may_begin_reply(std::string_view line) {
  if (!line.empty() && (line[0] < '2' || line[0] > '5')) return false;
  for (std::size_t i = 1; i < std::min(line.size(), kCodeDigits); ++i) {
    if (!is_digit(line[i])) return false;
  }
  if (line.size() <= kCodeDigits) return true;
  const char after = line[kCodeDigits];
  return after == ' ' || after == '-' || after == '\r';
}

/// The code of a whole line without its line end, 0 where it has none (RFC 5321 4.2).
int code_of(std::string_view line) {
  if (line.size() < kCodeDigits || !may_begin_reply(line)) return 0;
  if (line.size() > kCodeDigits && line[kCodeDigits] == '\r') return 0;
  return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

EnhancedStatus status_of(int code, std::string_view last_line) {
  const int klass = code / 100;
  const auto status = parse_enhanced_status(last_line);
  return status && status->klass == klass ? *status : EnhancedStatus{klass, 0, 0};
}

}  // namespace

std::string Reply::text() const {
  std::string all;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool last = i + 1 == lines.size();
    if (i > 0) all += ' ';
    all += std::to_string(codes.empty() ? code : codes[i]);
    if (!last) all += '-';
    if (last && !lines[i].empty()) all += ' ';
    all += lines[i];
  }
  return printable(all);
}

std::string_view describe(ReplyFault fault) {
  return fault == ReplyFault::TooLong ? "a reply that is too long" : "a line that is not an SMTP reply";
}

std::size_t ReplyParser::feed(std::string_view octets) {
  std::size_t taken = 0;
  while (!complete_ && !fault_ && taken < octets.size()) {
    // Both limits are looked at before an octet is taken, so the fault does not depend on how the stream was split.
    if (octets_ == kReplyOctets || reply_.lines.size() == kReplyLines) {
      fault_ = ReplyFault::TooLong;
      break;
    }
    const std::string_view rest = octets.substr(taken, kReplyOctets - octets_);
    const std::size_t end = rest.find('\n');
    const std::string_view run = rest.substr(0, end);
    const std::size_t count = run.size() + (end == std::string_view::npos ? 0 : 1);
    taken += count;
    octets_ += count;
    append_to_line(run);
    if (!may_begin_reply(line_)) {
      fault_ = ReplyFault::NotAReply;
    } else if (end != std::string_view::npos) {
      end_line();
    }
  }
  return taken;
}

void ReplyParser::append_to_line(std::string_view run) {
  const std::string_view kept = run.substr(0, kReplyLineOctets - line_.size());
  line_.append(kept);
  line_is_cut_ = line_is_cut_ || kept.size() < run.size();
}

void ReplyParser::end_line() {
  // In a line that was cut the last octet kept is not the one before the LF.
  if (!line_is_cut_ && !line_.empty() && line_.back() == '\r') line_.pop_back();
  const int code = code_of(line_);
  if (code == 0) {
    fault_ = ReplyFault::NotAReply;
    return;
  }
  const bool more = line_.size() > kCodeDigits && line_[kCodeDigits] == '-';
  reply_.code = code;
  reply_.codes.push_back(code);
  reply_.lines.emplace_back(line_, std::min(line_.size(), kCodeDigits + 1));
  if (!more) complete();
  line_.clear();
  line_is_cut_ = false;
}

void ReplyParser::complete() {
  const auto alike = [this](int code) { return code == reply_.code; };
  if (std::all_of(reply_.codes.begin(), reply_.codes.end(), alike)) reply_.codes.clear();
  reply_.status = status_of(reply_.code, reply_.lines.back());
  complete_ = true;
}

std::string ReplyParser::fault_text() const {
  if (!fault_) return {};
  std::string text(describe(*fault_));
  if (*fault_ == ReplyFault::TooLong) return text;
  const std::string line = printable(std::string_view(line_).substr(0, line_.find_last_not_of('\r') + 1));
  const std::string_view quoted = clip(line, kQuotedOctets);
  return text + ": \"" + std::string(quoted) + (quoted.size() < line.size() ? "...\"" : "\"");
}

std::optional<Reply> ReplyParser::take() {
  if (!complete_) return std::nullopt;
  complete_ = false;
  octets_ = 0;
  return std::exchange(reply_, Reply{});
}

bool ReplyParser::in_reply() const { return !complete_ && octets_ > 0; }

}  // namespace relaypipe
