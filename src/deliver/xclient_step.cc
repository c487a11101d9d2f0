#include "deliver/xclient_step.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/printable.h"
#include "deliver/line_trace.h"
#include "deliver/log_lines.h"
#include "smtp/client_report.h"

namespace relaypipe {
namespace {

/// Runs the exchange over the session to its end; the showing says why it did not get there.
class XclientStep {
 public:
  XclientStep(Session& session, std::string command, const Peer& peer, const AttemptContext& context)
      : session_(session),
        context_(context),
        exchange_(std::move(command), context.relay.settings->hostname, context.relay.settings->discard_ehlo_keywords),
        sent_(context.trace, peer, Trace::Direction::Sent),
        received_(context.trace, peer, Trace::Direction::Received) {}

  std::optional<AttemptResult> run() {
    const Instant end = limit();
    while (exchange_.state() == XclientExchange::State::Waiting) {
      if (context_.halted(Parent::Look::Recent)) return Aborted{Stage::Mail};
      const bool sent = send();
      const bool received = receive();
      if (exchange_.state() != XclientExchange::State::Waiting) break;
      if (session_.ended()) return SessionFailure{Stage::Ehlo, SessionError::Lost, "after XCLIENT"};
      if (context_.clock.now() >= end) return SessionFailure{Stage::Ehlo, SessionError::TimedOut, "after XCLIENT"};
      if (!sent && !received) context_.event_loop.wait(end);
    }
    if (exchange_.state() != XclientExchange::State::Lost) return std::nullopt;
    const SessionError trouble = exchange_.reply() ? SessionError::Lost : SessionError::ProtocolError;
    return SessionFailure{Stage::Ehlo, trouble, "unexpected octets after XCLIENT", exchange_.reply()};
  }

  [[nodiscard]] const XclientExchange& exchange() const { return exchange_; }

 private:
  /// For XCLIENT and EHLO together; a drip does not stretch it.
  [[nodiscard]] Instant limit() const {
    const RelaySettings& settings = *context_.relay.settings;
    const Duration span =
        context_.others_left ? std::min(settings.limits.helo, settings.stall_limit) : settings.limits.helo;
    return context_.deadline.step(context_.clock.now(), span);
  }

  bool send() {
    const std::string_view output = exchange_.output();
    if (output.empty()) return false;
    const std::size_t taken = session_.send(output);
    sent_.octets(output.substr(0, taken));
    exchange_.sent(taken);
    return taken > 0;
  }

  bool receive() {
    std::array<char, 4096> buffer;
    const std::size_t count = session_.receive(buffer);
    received_.octets({buffer.data(), count});
    exchange_.receive({buffer.data(), count});
    return count > 0;
  }

  Session& session_;
  const AttemptContext& context_;
  XclientExchange exchange_;
  LineTrace sent_;
  LineTrace received_;
};

}  // namespace

Result<Capabilities, AttemptResult> run_xclient_step(Session& session, const Peer& peer,
                                                     const AttemptContext& context) {
  const Capabilities& offered = session.capabilities();
  if (context.relay.settings->client_report != ClientReport::Xclient) return offered;
  auto command = xclient_command(context.envelope, offered);
  if (!command) return offered;
  XclientStep introduction(session, *std::move(command), peer, context);
  if (auto showing = introduction.run()) return fail(*std::move(showing));
  const XclientExchange& exchange = introduction.exchange();
  if (exchange.state() == XclientExchange::State::Done) return exchange.capabilities();
  note_refused_report("XCLIENT", *exchange.reply(), peer, context);
  return offered;
}

void note_refused_report(std::string_view command, const Reply& reply, const Peer& peer,
                         const AttemptContext& context) {
  if (context.journal == nullptr) return;
  context.journal->line(Journal::Level::Warning,
                        fmt::format("{}: host {} said: {} (in reply to {} command); the message goes on without it",
                                    log_id(context.envelope.queue_id), peer.text(), reply.text(), command));
}

}  // namespace relaypipe
