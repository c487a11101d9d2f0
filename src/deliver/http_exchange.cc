#include "deliver/http_exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/printable.h"
#include "smtp/sasl.h"

namespace relaypipe {
namespace {

constexpr std::uint64_t kHeldBack = 1;  ///< octets of the body
constexpr int kRounds = 16;             ///< reads of 4 KiB before everything else gets its turn
constexpr std::size_t kShortest = 8;    ///< words of a secret field that are looked for in answers

bool is_secret(std::string_view name) {
  const std::string low = lower(name);
  return low == "authorization" || low == "x-amz-security-token";
}

/// `Authorization: Bearer ********`: the scheme is no secret.
std::string masked(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == line.npos || !is_secret(line.substr(0, colon))) return std::string(line);
  const std::size_t begin = std::min(line.find_first_not_of(' ', colon + 1), line.size());
  const std::size_t blank = line.find(' ', begin);
  return std::string(line.substr(0, blank == line.npos ? begin : blank + 1)) + "********";
}

/// Calls `use` with each line of a head, without its CRLF.
template <class Use>
void each_line(std::string_view head, const Use& use) {
  while (!head.empty()) {
    const std::size_t end = std::min(head.find("\r\n"), head.size());
    if (end > 0) use(head.substr(0, end));
    head.remove_prefix(std::min(end + 2, head.size()));
  }
}

/// The words of a line whose field is secret, its scheme apart.
std::vector<Secret> secret_words(std::string_view head) {
  std::vector<Secret> words;
  each_line(head, [&](std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == line.npos || !is_secret(line.substr(0, colon))) return;
    std::string_view rest = line.substr(colon + 1);
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find_first_of(" ,"), rest.size());
      std::string word(rest.substr(0, end));
      const bool scheme =
          word == "Basic" || word == "Bearer" || word.starts_with("AWS4-") || word.starts_with("SignedHeaders=");
      if (word.size() >= kShortest && !scheme) words.emplace_back(word);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  });
  return words;
}

}  // namespace

HttpExchange::HttpExchange(Session& session, const Peer& peer, const Secret& head, RequestBody& body, Trace* trace)
    : session_(session), peer_(peer), head_(head), body_(body), trace_(trace), words_(secret_words(head.reveal())) {
  // The head has a password only in its coded form.
  if (const Credentials* const credentials = session.credentials()) {
    words_.push_back(credentials->secret.clone());
    words_.push_back(credentials->session_token.clone());
  }
  if (trace_ == nullptr) return;
  each_line(head_.reveal(),
            [&](std::string_view line) { trace_->dialogue(peer_, Trace::Direction::Sent, masked(line)); });
}

Stage HttpExchange::stage() const {
  if (head_sent_ < head_.reveal().size() || body_.size() == 0) return Stage::Request;
  return body_.ended() ? Stage::EndOfData : Stage::Content;
}

bool HttpExchange::send(bool release) {
  if (head_sent_ < head_.reveal().size()) return send_head();
  return !body_.ended() && send_body(release);
}

bool HttpExchange::send_head() {
  const std::size_t taken = session_.send(head_.reveal().substr(head_sent_));
  head_sent_ += taken;
  return taken > 0;
}

bool HttpExchange::send_body(bool release) {
  const std::uint64_t left = body_.size() - body_.taken();
  const bool last = left <= kHeldBack;
  if (last) {
    // A last octet that waits behind others which nobody takes would make a loss look like a message that may have
    // arrived.
    draining_ = !session_.flushed();
    if (draining_) return drained();
    if (!release) return false;
  }
  std::string_view piece = body_.next();
  unreadable_ = piece.empty();
  if (unreadable_) return true;
  if (!last) piece = piece.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), left - kHeldBack)));
  const std::size_t taken = session_.send(piece);
  if (taken == 0) return drained();
  body_.take(taken);
  held_ = std::numeric_limits<std::size_t>::max();
  if (body_.ended() && trace_ != nullptr)
    trace_->dialogue(peer_, Trace::Direction::Note, fmt::format("content, {} octets", body_.size()));
  return true;
}

bool HttpExchange::drained() {
  const std::size_t held = session_.unsent();
  const bool less = held < held_;
  held_ = held;
  return less;
}

bool HttpExchange::receive() {
  std::array<char, 4096> buffer;
  bool moved = false;
  // Bounded, so that a server that floods cannot keep the loop from looking at the clock.
  for (int round = 0; round < kRounds && !parser_.complete() && parser_.fault().empty(); ++round) {
    const std::size_t count = session_.receive(buffer);
    if (count == 0) break;
    const std::string_view octets(buffer.data(), count);
    const std::size_t used = parser_.feed(octets);
    note_answer(octets);
    excess_ = parser_.complete() && used < count;
    moved = true;
  }
  if (parser_.complete() || !parser_.fault().empty() || !session_.ended()) return moved;
  const bool begun = parser_.begun();
  parser_.end();
  lost_ = !parser_.complete() && !begun;
  return true;
}

SessionEnd HttpExchange::end_of_session(bool keeps) const {
  return keeps && sent() && !excess_ && !lost_ ? SessionEnd::Clean : SessionEnd::Unusable;
}

std::string HttpExchange::redact(std::string_view text) const {
  std::vector<std::string_view> secrets;
  secrets.reserve(words_.size());
  for (const Secret& word : words_)
    secrets.push_back(word.reveal());
  return redacted(text, secrets);
}

void HttpExchange::redact(ApiRefusal& refusal) const {
  refusal.code = redact(refusal.code);
  refusal.words = redact(refusal.words);
}

void HttpExchange::note_answer(std::string_view octets) {
  if (trace_ == nullptr) return;
  for (const char c : octets) {
    if (c == '\n')
      trace_->dialogue(peer_, Trace::Direction::Received, redact(std::exchange(line_, {})));
    else if (c != '\r')
      line_ += c;
  }
  // What a body ends with has no line end.
  if (parser_.complete() && !line_.empty())
    trace_->dialogue(peer_, Trace::Direction::Received, redact(std::exchange(line_, {})));
}

}  // namespace relaypipe
