#include "deliver/introduction.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/printable.h"
#include "deliver/line_trace.h"
#include "smtp/client_report.h"

namespace relaypipe {
namespace {

/// Runs the exchange over the session to its end; the showing says why it did not get there.
class Introduction {
 public:
  Introduction(Session& session, std::string command, const Where& where, const AttemptContext& context)
      : session_(session),
        context_(context),
        exchange_(std::move(command), context.relay.settings.hostname, context.relay.settings.discard_ehlo_keywords),
        sent_(context.trace, where, Trace::Direction::Sent),
        received_(context.trace, where, Trace::Direction::Received) {}

  std::optional<Showing> run() {
    const Instant end = limit();
    while (exchange_.state() == XclientExchange::State::Waiting) {
      if (context_.halted()) return Withheld{Stage::Mail};
      const bool spoke = speak();
      const bool heard = hear();
      if (exchange_.state() != XclientExchange::State::Waiting) break;
      if (session_.ended()) return Unreached{Stage::Ehlo, Trouble::Lost, "after XCLIENT"};
      if (context_.clock.now() >= end) return Unreached{Stage::Ehlo, Trouble::TimedOut, "after XCLIENT"};
      if (!spoke && !heard) context_.waiter.wait(end);
    }
    if (exchange_.state() != XclientExchange::State::Lost) return std::nullopt;
    const Trouble trouble = exchange_.reply() ? Trouble::Lost : Trouble::Garbled;
    return Unreached{Stage::Ehlo, trouble, "unexpected octets after XCLIENT", exchange_.reply()};
  }

  [[nodiscard]] const XclientExchange& exchange() const { return exchange_; }

 private:
  /// For XCLIENT and EHLO together; a drip does not stretch it.
  [[nodiscard]] Instant limit() const {
    const Settings& settings = context_.relay.settings;
    const Duration span =
        context_.others_left ? std::min(settings.limits.helo, settings.stall_limit) : settings.limits.helo;
    return context_.deadline.step(context_.clock.now(), span);
  }

  bool speak() {
    const std::string_view output = exchange_.output();
    if (output.empty()) return false;
    const std::size_t taken = session_.send(output);
    sent_.octets(output.substr(0, taken));
    exchange_.sent(taken);
    return taken > 0;
  }

  bool hear() {
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

Result<Capabilities, Showing> introduce_client(Session& session, const Where& where, const AttemptContext& context) {
  const Capabilities& offered = session.capabilities();
  if (context.relay.settings.client_report != ClientReport::Xclient) return offered;
  auto command = xclient_command(context.envelope, offered);
  if (!command) return offered;
  Introduction introduction(session, *std::move(command), where, context);
  if (auto showing = introduction.run()) return fail(*std::move(showing));
  const XclientExchange& exchange = introduction.exchange();
  if (exchange.state() == XclientExchange::State::Done) return exchange.capabilities();
  note_refused_report("XCLIENT", *exchange.reply(), where, context);
  return offered;
}

void note_refused_report(std::string_view command, const Reply& reply, const Where& where,
                         const AttemptContext& context) {
  if (context.journal == nullptr) return;
  const std::string& id = context.envelope.queue_id;
  context.journal->line(Journal::Level::Warning,
                        fmt::format("{}: host {} said: {} (in reply to {} command); the message goes on without it",
                                    id.empty() ? "NOQUEUE" : printable(id), where.text(), reply.text(), command));
}

}  // namespace relaypipe
