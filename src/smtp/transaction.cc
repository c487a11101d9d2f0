// The transaction is the one place where a message changes hands, so it is a state machine without I/O: each order of
// events can be a test, and every octet boundary is one.
//
// What always holds:
// - The dot is queued by commit() alone, after content_sent(), and commit() comes from the owner after its last look at
//   the caller. Before its first octet is sent everything may be given up; after it only a reply tells the outcome.
// - A reply answers the oldest command that was sent and not answered. One that comes before its command was sent, or
//   before the dot's last octet, proves nothing, and the relay is out of step.
// - Accepted is a 2yz after the whole dot. No other way leads to it.
// - Where the session goes on, the transaction ends with the reply to the last of its commands, whatever it has shown
//   before: what is said to one message is never read as said to another.
// - A dot that did not leave this machine is a lost connection; one that left without a valid reply is Unconfirmed.
//
// What was tried and left:
// - BDAT (RFC 3030): the same end of data without a dot, but relays that announce it and refuse it are common, and the
//   spool is in DATA's form already.
// - DATA in the first group for several recipients: after a 354 there is no way back but to drop the connection, and
//   one result has to serve all recipients of pipe(8).
// - QUIT before the reply to the dot without PIPELINING: some relays drop the message with the connection.

#include "smtp/transaction.h"

#include <algorithm>
#include <utility>

#include "smtp/dsn_parameters.h"

namespace relaypipe {
namespace {

constexpr int kStartMailInput = 354;       // the one positive reply to DATA (RFC 5321 4.3.2)
constexpr int kServiceNotAvailable = 421;  // the relay closes the connection; allowed at any time (RFC 5321 3.8)
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kDot = ".\r\n";  // the line end before it is the content's own

bool refuses(const Reply& reply) { return reply.soft() || reply.hard(); }

std::string unexpected(const Reply& reply) { return "an unexpected reply (" + reply.text() + ")"; }

}  // namespace

TransactionRequest make_request(const Envelope& envelope, const ContentFacts& content, const Capabilities& relay) {
  const bool smtputf8 = relay.smtputf8 && (envelope.smtputf8 || envelope.is_internationalized());
  TransactionRequest request;
  request.pipelining = relay.pipelining;
  request.mail = "MAIL FROM:" + envelope.sender.path();
  if (relay.size) request.mail += " SIZE=" + std::to_string(content.size);
  if (relay.eight_bit_mime && content.eight_bit_body) request.mail += " BODY=8BITMIME";
  if (smtputf8) request.mail += " SMTPUTF8";
  if (relay.dsn) request.mail += mail_dsn_parameters(envelope);
  for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
    request.rcpt.push_back("RCPT TO:" + envelope.recipients[i].path());
    if (relay.dsn) request.rcpt.back() += rcpt_dsn_parameters(envelope, i, smtputf8);
  }
  return request;
}

Transaction::Transaction(TransactionRequest request) : request_(std::move(request)) {
  ask_first();
  if (!request_.pipelining) return;
  while (ask_first()) {
  }
  for (const std::string& rcpt : request_.rcpt)
    ask(Stage::Rcpt, rcpt);
  if (request_.rcpt.size() == 1 && request_.goal != TransactionRequest::Goal::Verify) ask(Stage::Data, "DATA");
}

Transaction::Want Transaction::want() const {
  if (result_) return awaits_late_replies() ? Want::Exchange : Want::Finished;
  if (phase_ == Phase::Content) return Want::Content;
  return phase_ == Phase::ContentSent ? Want::Commit : Want::Exchange;
}

std::string_view Transaction::output() const {
  // A reply that has begun before the dot left cannot be the dot's: what it says is waited for.
  if (phase_ == Phase::Dot && !dot_begun() && parser_.in_reply()) return {};
  return std::string_view(output_).substr(output_sent_);
}

void Transaction::sent(std::size_t count) {
  count = std::min(count, output_.size() - output_sent_);
  if (count == 0) return;
  output_sent_ += count;
  sent_ += count;
  at_line_end_ = output_[output_sent_ - 1] == '\n';
  if (output_sent_ < output_.size()) return;
  output_.clear();
  output_sent_ = 0;
}

void Transaction::content_sent() {
  if (phase_ == Phase::Content) phase_ = Phase::ContentSent;
}

void Transaction::commit() {
  if (result_ || phase_ != Phase::ContentSent) return;
  phase_ = Phase::Dot;
  dot_begin_ = queued_;
  queue(kDot);
  dot_end_ = queued_;
  // Nothing but the reply to the dot decides now, so QUIT need not wait for it (RFC 2920 3.1 lets it end a group).
  if (request_.pipelining && request_.last) queue("QUIT\r\n");
}

void Transaction::abort() {
  if (!result_ && !dot_begun()) finish(stage(), Aborted{stage()});
  // Nobody waits for them any more, so the session is out of step.
  if (awaits_late_replies()) usable_ = false;
}

void Transaction::receive(std::string_view octets) {
  while (!octets.empty() && !parser_.fault()) {
    octets.remove_prefix(parser_.feed(octets));
    if (auto reply = parser_.take()) {
      ++replies_;
      take_reply(*std::move(reply));
    }
  }
  if (!parser_.fault()) return;
  usable_ = false;
  if (!result_) garbled(parser_.fault_text());
}

void Transaction::lost(Loss loss, std::size_t unsent) {
  usable_ = false;
  if (result_) return;
  if (!dot_begun()) return finish(stage(), Lost{stage(), loss, awaits_pipelined()});
  if (sent_ < dot_end_ + unsent) return finish(Stage::Content, Lost{Stage::Content, loss});
  finish(Stage::EndOfData, Unconfirmed{loss == Loss::TimedOut ? "no reply (timed out)" : "no reply (connection lost)"});
}

Stage Transaction::stage() const {
  if (result_) return final_stage_;
  if (phase_ == Phase::Commands) return awaited_.front().stage;
  return dot_begun() ? Stage::EndOfData : Stage::Content;
}

bool Transaction::may_quit() const {
  if (!usable_ || !at_line_end_ || in_data_ || (dot_begun() && sent_ > dot_end_)) return false;
  // A DATA whose reply is still to come may be answered by 354, and QUIT would then be content.
  return std::none_of(awaited_.begin(), awaited_.end(),
                      [this](const Awaited& a) { return a.stage == Stage::Data && a.end <= sent_; });
}

void Transaction::queue(std::string_view octets) {
  output_.append(octets);
  queued_ += octets.size();
}

void Transaction::ask(Stage stage, std::string_view command, bool report) {
  queue(command);
  queue(kLineEnd);
  awaited_.push_back({stage, queued_, report, !awaited_.empty()});
}

/// Whether the reply that is awaited is one of a group of commands that were sent together.
bool Transaction::awaits_pipelined() const {
  if (phase_ != Phase::Commands || awaited_.empty()) return false;
  return awaited_.front().pipelined || (awaited_.size() > 1 && awaited_[1].end <= sent_);
}

/// Whether the result is there, and replies are to come that the next transaction of the session would take for its
/// own.
bool Transaction::awaits_late_replies() const { return result_ && !request_.last && usable_ && !awaited_.empty(); }

/// The next report, or MAIL after the last one; false when both are behind us.
bool Transaction::ask_first() {
  const std::size_t reports = request_.reports.size();
  if (asked_first_ > reports) return false;
  const bool report = asked_first_ < reports;
  ask(Stage::Mail, report ? request_.reports[asked_first_] : request_.mail, report);
  ++asked_first_;
  return true;
}

void Transaction::take_reply(Reply reply) {
  if (reply.code == kServiceNotAvailable) usable_ = false;
  if (result_) return take_late_reply(reply);
  if (phase_ == Phase::Dot && dot_begun()) return take_dot_reply(std::move(reply));
  // Also while commands are exchanged: a relay that shuts down need not wait for one.
  if (reply.code == kServiceNotAvailable) return finish(stage(), Refused{stage(), std::move(reply)});
  if (phase_ == Phase::Commands) return take_command_reply(std::move(reply));
  if (refuses(reply)) return finish(Stage::Content, Refused{Stage::Content, std::move(reply)});
  garbled(unexpected(reply));
}

void Transaction::take_command_reply(Reply reply) {
  const Awaited asked = awaited_.front();
  if (asked.end > sent_) return garbled("a reply before the command was sent (" + reply.text() + ")");
  if (asked.stage == Stage::Data && reply.code == kStartMailInput) {
    awaited_.pop_front();
    phase_ = Phase::Content;
    in_data_ = true;
    return;
  }
  if (!refuses(reply) && (!reply.positive() || asked.stage == Stage::Data)) return garbled(unexpected(reply));
  awaited_.pop_front();
  if (asked.report) {
    if (refuses(reply)) refused_reports_.push_back(std::move(reply));
    return proceed();
  }
  // A refused RCPT is judged together with the others.
  if (refuses(reply) && asked.stage != Stage::Rcpt) return finish(asked.stage, Refused{asked.stage, std::move(reply)});
  if (asked.stage == Stage::Rcpt) recipients_.push_back(std::move(reply));
  open_ = true;
  proceed();
}

/// Whether enough recipients were accepted.
bool Transaction::may_go_on() const {
  if (request_.goal == TransactionRequest::Goal::All)
    return std::none_of(recipients_.begin(), recipients_.end(), refuses);
  return !std::all_of(recipients_.begin(), recipients_.end(), refuses);
}

void Transaction::proceed() {
  const bool all_answered = recipients_.size() == request_.rcpt.size();
  if (all_answered && !may_go_on()) return finish(Stage::Rcpt, RecipientsRefused{recipients_});
  if (all_answered && request_.goal == TransactionRequest::Goal::Verify) {
    return finish(Stage::Rcpt, Deliverable{*std::find_if_not(recipients_.begin(), recipients_.end(), refuses)});
  }
  if (!awaited_.empty() || ask_first()) return;
  if (all_answered) return ask(Stage::Data, "DATA");
  ask(Stage::Rcpt, request_.rcpt[recipients_.size()]);
}

void Transaction::take_dot_reply(Reply reply) {
  open_ = false;
  if (refuses(reply)) {
    in_data_ = sent_ < dot_end_;
    return finish(Stage::EndOfData, Refused{Stage::EndOfData, std::move(reply)});
  }
  // A relay that accepts what it has not seen the end of has lost count: its reply proves nothing.
  if (!reply.positive() || sent_ < dot_end_) return garbled(unexpected(reply));
  in_data_ = false;
  finish(Stage::EndOfData, Accepted{std::move(reply)});
}

/// Replies to what was sent ahead no longer change the result, only whether the relay has gone into DATA.
void Transaction::take_late_reply(const Reply& reply) {
  if (awaited_.empty()) return;
  if (awaited_.front().stage == Stage::Data && !refuses(reply)) in_data_ = true;
  awaited_.pop_front();
}

void Transaction::garbled(std::string what) {
  usable_ = false;  // not in step any more: what the relay would make of QUIT is unknown
  if (dot_begun()) return finish(Stage::EndOfData, Unconfirmed{std::move(what)});
  finish(stage(), ProtocolError{stage(), std::move(what), awaits_pipelined()});
}

void Transaction::finish(Stage at, TransactionResult result) {
  final_stage_ = at;
  result_ = std::move(result);
  // What did not leave never will, so no reply to it is awaited.
  while (!awaited_.empty() && awaited_.back().end > sent_) {
    awaited_.pop_back();
  }
  output_.clear();
  output_sent_ = 0;
}

}  // namespace relaypipe
