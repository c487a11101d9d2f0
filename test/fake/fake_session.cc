#include "fake/fake_session.h"

#include <algorithm>

namespace relaypipe::fake {
namespace {

constexpr std::string_view kEnd = "\r\n.\r\n";

std::string verb_of(const std::string& line) { return line.substr(0, line.find_first_of(" :")); }

}  // namespace

FakeSession::FakeSession(FakeRelay& relay, Timeline& timeline)
    : relay_(relay), timeline_(timeline), capabilities_(relay.capabilities_), busy_until_(timeline.now()) {
  ++relay_.sessions;
  ++relay_.open_sessions;
  if (relay_.breaks_ && *relay_.breaks_ > timeline_.elapsed()) {
    timeline_.at(*relay_.breaks_, [wire = wire_, words = relay_.last_words_] {
      wire->to_client += words;
      wire->closed = true;
    });
  }
}

FakeSession::~FakeSession() {
  wire_->closed = true;
  --relay_.open_sessions;
}

std::size_t FakeSession::send(std::string_view octets) {
  std::size_t taken = 0;
  while (taken < octets.size() && !wire_->closed) {
    if (in_data_ && relay_.content.size() >= relay_.path_) {
      wire_->unsent += octets.size() - taken;
      return octets.size();
    }
    if (in_data_) {
      const std::size_t some = take_content(octets.substr(taken));
      if (some == 0) break;
      taken += some;
      continue;
    }
    line_ += octets[taken++];
    if (line_.ends_with("\r\n")) command(std::exchange(line_, {}));
  }
  return taken;
}

/// Takes content up to the final dot, or up to what the relay still reads.
std::size_t FakeSession::take_content(std::string_view octets) {
  std::size_t taken = 0;
  std::string& content = relay_.content;
  while (taken < octets.size() && in_data_) {
    if (content.size() >= relay_.window_) break;
    content += octets[taken++];
    if (content.ends_with(kEnd) || content == kEnd.substr(2)) end_content();
  }
  return taken;
}

void FakeSession::end_content() {
  in_data_ = in_mail_ = false;
  recipients_ = 0;
  relay_.content.erase(relay_.content.size() - 3);
  relay_.commands.emplace_back("(content)");
  relay_.commands.emplace_back(".");
  Reaction reaction = relay_.next_reaction(".");
  if (reaction.reply.empty()) reaction.reply = "250 2.0.0 Ok: queued as FAKE";
  if (reaction.does == Reaction::Does::Reply && reaction.reply.front() == '2')
    relay_.messages.push_back(relay_.content);
  react(reaction);
}

void FakeSession::command(const std::string& line) {
  const std::string bare = line.substr(0, line.size() - 2);
  const std::string verb = verb_of(bare);
  relay_.commands.push_back(bare);
  if (stalled_) return;
  Reaction reaction = relay_.next_reaction(verb);
  if (reaction.reply.empty()) reaction.reply = usual_reply(verb);
  const bool accepts = reaction.does == Reaction::Does::Reply && reaction.reply.front() < '4';
  if (verb == "MAIL") in_mail_ = accepts;
  if (verb == "RCPT" && accepts) ++recipients_;
  if (verb == "DATA" && accepts) {
    in_data_ = true;
    relay_.content.clear();
  }
  if (verb == relay_.drips_at_) drip();
  if (verb == "QUIT") reaction.closes = true;
  react(reaction);
}

/// What a relay says that nothing was written for.
std::string FakeSession::usual_reply(const std::string& verb) const {
  if (verb == "QUIT") return "221 2.0.0 Bye";
  if (verb == "MAIL") return "250 2.1.0 Ok";
  if (verb == "RCPT") return in_mail_ ? "250 2.1.5 Ok" : "503 5.5.1 need MAIL";
  if (verb == "RSET") return "250 2.0.0 Ok";
  if (verb == "DATA") return recipients_ > 0 ? "354 go on" : "554 5.5.1 no valid recipients";
  return "500 5.5.2 what";
}

void FakeSession::react(const Reaction& reaction) {
  busy_until_ = std::max(busy_until_, timeline_.now()) + reaction.takes;
  stalled_ = stalled_ || reaction.does == Reaction::Does::Stall;
  if (stalled_) return;
  const bool replies = reaction.does == Reaction::Does::Reply;
  const bool closes = reaction.closes || !replies;
  timeline_.after(busy_until_ - timeline_.now(),
                  [wire = wire_, reply = replies ? reaction.reply + "\r\n" : "", closes] {
                    if (wire->closed) return;
                    wire->to_client += reply;
                    wire->closed = closes;
                  });
}

void FakeSession::drip() {
  if (relay_.drip_every_ == Duration::zero()) {
    wire_->endless = relay_.drip_;
    return;
  }
  // The event calls itself while the connection stands; it holds only what both ends share.
  struct Drip {
    std::shared_ptr<Wire> wire;
    Timeline* timeline;
    std::string octets;
    Duration every;
    void operator()() const {
      if (wire->closed) return;
      wire->to_client += octets;
      timeline->after(every, *this);
    }
  };
  timeline_.after(relay_.drip_every_, Drip{wire_, &timeline_, relay_.drip_, relay_.drip_every_});
}

std::size_t FakeSession::receive(std::span<char> buffer) {
  std::string& waiting = wire_->to_client;
  if (waiting.empty() && !wire_->closed) waiting = wire_->endless;
  const std::size_t count = std::min(buffer.size(), waiting.size());
  std::copy_n(waiting.begin(), count, buffer.begin());
  waiting.erase(0, count);
  return count;
}

}  // namespace relaypipe::fake
