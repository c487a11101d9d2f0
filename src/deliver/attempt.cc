#include "deliver/attempt.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/printable.h"
#include "deliver/line_trace.h"
#include "deliver/log_lines.h"
#include "deliver/step_clock.h"
#include "deliver/xclient_step.h"
#include "smtp/client_report.h"
#include "smtp/transaction.h"
#include "verdict/fitness.h"

namespace relaypipe {
namespace {

constexpr std::size_t kUnknown = std::numeric_limits<std::size_t>::max();

constexpr int kRounds = 16;  ///< reads of 4 KiB before everything else gets its turn

Duration limit_of(Stage stage, const TimeLimits& limits) {
  switch (stage) {
    case Stage::Mail: return limits.mail;
    case Stage::Rcpt: return limits.rcpt;
    case Stage::Data: return limits.data_init;
    case Stage::Content: return limits.data_xfer;
    default: return limits.data_done;
  }
}

TransactionRequest request_for(const AttemptContext& context, const Capabilities& relay, bool last) {
  const Envelope& envelope = context.envelope;
  TransactionRequest request = make_request(envelope, context.message.facts(), relay);
  request.goal = context.goal;
  request.last = last;
  if (context.relay.settings->client_report == ClientReport::Xforward)
    request.reports = xforward_commands(envelope, relay);
  return request;
}

/// TLS was welcome and there is none: why, unless the relay has none at all, which is nothing to wonder at.
void note_clear_text(const SessionFacts& facts, const Peer& peer, const AttemptContext& context) {
  constexpr std::string_view kUsual = "STARTTLS is not offered";
  if (context.journal == nullptr || facts.clear_reason.empty() || facts.clear_reason == kUsual) return;
  context.journal->line(Journal::Level::Warning,
                        fmt::format("{}: host {}: the message goes in clear text: {}",
                                    log_id(context.envelope.queue_id), peer.text(), facts.clear_reason));
}

class AttemptRun {
 public:
  AttemptRun(Session& session, const Capabilities& relay, const Peer& peer, const AttemptContext& context)
      : session_(session),
        context_(context),
        transaction_(request_for(context, relay, !session.is_kept())),
        sent_(context.trace, peer, Trace::Direction::Sent),
        received_(context.trace, peer, Trace::Direction::Received),
        peer_(peer),
        clock_(context, limit_of) {}

  AttemptOutcome run() {
    restart_clock(context_.clock.now());
    while (transaction_.want() != Transaction::Want::Finished)
      step();
    for (const Reply& reply : transaction_.refused_reports())
      note_refused_report("XFORWARD", reply, peer_, context_);
    session_.finish(end_of_session());
    return {std::visit([](auto&& result) -> AttemptResult { return result; }, transaction_.result()),
            transaction_.recipient_replies()};
  }

 private:
  [[nodiscard]] SessionEnd end_of_session() const {
    if (!transaction_.may_quit()) return SessionEnd::Unusable;
    const auto* const refused = std::get_if<Refused>(&transaction_.result());
    if (refused != nullptr && refused->stage == Stage::Mail && refused->reply.soft()) return SessionEnd::Last;
    return transaction_.is_open() ? SessionEnd::Transaction : SessionEnd::Clean;
  }

  /// One round: send what can be sent, receive what is there, and sleep only when neither moved anything.
  void step() {
    const bool halted = context_.halted(Parent::Look::Recent);
    if (halted) transaction_.abort();
    const Stage stage = transaction_.stage();
    const std::size_t replies = transaction_.replies();
    const bool sent = send(halted);
    const bool received = receive();
    if (transaction_.want() == Transaction::Want::Finished) return;
    const Instant now = context_.clock.now();
    // Progress is a new stage, a whole reply, or content that went out; octets that drip in are none.
    const bool progress =
        transaction_.stage() != stage || transaction_.replies() != replies || (sent && stage == Stage::Content);
    if (progress) restart_clock(now);
    if (halted) clock_.shorten(now);
    if (clock_.over(now)) return time_out(now);
    if (!sent && !received) context_.event_loop.wait(clock_.wake(now, draining_));
  }

  bool send(bool halted) {
    switch (transaction_.want()) {
      case Transaction::Want::Exchange: return send_commands();
      case Transaction::Want::Content: return send_content();
      case Transaction::Want::Commit:
        if (halted || context_.halted(Parent::Look::Now))
          transaction_.abort();
        else
          transaction_.commit();
        return true;
      case Transaction::Want::Finished: break;
    }
    return false;
  }

  bool send_commands() {
    const std::string_view output = transaction_.output();
    if (output.empty()) return false;
    const std::size_t taken = session_.send(output);
    if (taken == 0) return false;
    sent_.octets(output.substr(0, taken));
    transaction_.sent(taken);
    return true;
  }

  bool send_content() {
    if (offset_ == context_.message.facts().wire) return end_content();
    const std::string_view piece = context_.message.read(offset_);
    if (piece.empty()) {
      // The spool cannot be read back: what was sent is not the message.
      transaction_.abort();
      return true;
    }
    const std::size_t taken = session_.send(piece);
    if (taken == 0) return drained();
    offset_ += taken;
    held_ = kUnknown;
    return true;
  }

  /// Whether the system has sent some of what it holds since it was looked at last: on a slow path this is all the
  /// progress there is for a while.
  bool drained() {
    const std::size_t held = session_.unsent();
    const bool less = held < held_;
    held_ = held;
    return less;
  }

  /// The dot is released only after all of the content has left this machine: the last look at the caller is as late as
  /// it can be, and a dot that waits behind content which nobody takes would make a loss look like a message that may
  /// have arrived.
  bool end_content() {
    draining_ = !session_.flushed();
    if (draining_) return drained();
    if (context_.trace != nullptr) {
      context_.trace->dialogue(peer_, Trace::Direction::Note, fmt::format("content, {} octets", offset_));
    }
    transaction_.content_sent();
    return true;
  }

  bool receive() {
    std::array<char, 4096> buffer;
    bool moved = false;
    // Bounded, so that a relay that floods cannot keep the loop from looking at the clock.
    for (int round = 0; round < kRounds && transaction_.want() != Transaction::Want::Finished; ++round) {
      const std::size_t count = session_.receive(buffer);
      if (count == 0) break;
      const std::string_view octets(buffer.data(), count);
      received_.octets(octets);
      transaction_.receive(octets);
      moved = true;
    }
    if (session_.ended() && transaction_.want() != Transaction::Want::Finished)
      transaction_.lost(Loss::Closed, session_.unsent());
    return moved;
  }

  void time_out(Instant now) {
    if (transaction_.stage() == Stage::Content && drained()) return restart_clock(now);
    transaction_.lost(Loss::TimedOut, session_.unsent());
  }

  void restart_clock(Instant now) { clock_.restart(transaction_.stage(), now); }

  Session& session_;
  const AttemptContext& context_;
  Transaction transaction_;
  LineTrace sent_;
  LineTrace received_;
  const Peer& peer_;
  std::uint64_t offset_ = 0;
  std::size_t held_ = kUnknown;  ///< octets unsent when they were looked at last
  bool draining_ = false;        ///< only octets that the system holds keep the dot back
  StepClock clock_;
};

}  // namespace

AttemptOutcome run_attempt(Session& session, const Peer& peer, const AttemptContext& context) {
  note_clear_text(session.facts(), peer, context);
  const auto introduced = run_xclient_step(session, peer, context);
  if (!introduced) return {introduced.error()};
  Capabilities relay = *introduced;
  if (context.one_by_one) relay.pipelining = false;
  if (const auto unfit = find_unsupported(context.envelope, context.message.facts(), relay, context.relay.max_size)) {
    session.finish(SessionEnd::Clean);
    return {*unfit};
  }
  return AttemptRun(session, relay, peer, context).run();
}

}  // namespace relaypipe
