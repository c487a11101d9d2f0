#include "command/lmtp/session.h"

#include <unistd.h>

#include <exception>
#include <utility>

#include "command/lmtp/limits.h"
#include "command/wiring/deliverer.h"
#include "io/system/local_time.h"
#include "io/system/own_host.h"

namespace relaypipe {
namespace {

/// How long the last words may take to leave.
constexpr Duration kLastWords = std::chrono::seconds(5);

}  // namespace

LmtpSession::LmtpSession(CommonArguments arguments, std::string nexthop, std::optional<std::string> usage)
    : arguments_(std::move(arguments)),
      nexthop_(std::move(nexthop)),
      usage_(std::move(usage)),
      started_(clock_.now()),
      connection_(STDIN_FILENO, STDOUT_FILENO, {machine_name()}) {}

/// The engine for the configuration as it is now: it is read again when its files have changed.
LmtpEngine& LmtpSession::engine() {
  if (engine_ && engine_->is_current()) return *engine_;
  if (engine_) engine_->finish();
  engine_.reset();
  engine_ =
      std::make_unique<LmtpEngine>(load_as_deliverer(arguments_), arguments_, nexthop_, clock_, parent_, connection_);
  return *engine_;
}

void LmtpSession::run() {
  connection_.announce_dsn(engine().relays_offer_dsn());
  while (true) {
    auto event = connection_.take_event();
    if (!event) {
      if (parent_.state(Parent::Look::Recent) != Parent::State::Present || may_end()) break;
      engine_->event_loop().wait(clock_.now() + kLastWords);
    } else if (const auto* const message = std::get_if<LmtpMessage>(&*event)) {
      handle(*message);
    } else if (const auto* const probe = std::get_if<LmtpProbe>(&*event)) {
      handle(*probe);
    } else {
      break;
    }
  }
  const Instant end = clock_.now() + kLastWords;
  while (!connection_.flushed() && clock_.now() < end && parent_.state(Parent::Look::Recent) != Parent::State::Gone)
    engine_->event_loop().wait(end);
  engine_->finish();
}

bool LmtpSession::may_end() { return connection_.idle() && clock_.now() - started_ > kLongestLmtpUse; }

void LmtpSession::handle(const LmtpMessage& message) {
  LmtpEngine& engine = this->engine();
  const RunSettings& settings = engine.settings();
  Spool content({settings.line_length_limit, settings.spool_memory, settings.spool_directory});
  connection_.content_to(content);
  const std::vector<Verdict> verdicts = deliver({message.envelope, content, clock_.now()});
  // A delivery may end before the content does, of which the spool may have given up. The reply comes after the dot.
  while (connection_.expects_content() && parent_.state(Parent::Look::Recent) != Parent::State::Gone)
    engine.event_loop().wait(clock_.now() + kLastWords);
  connection_.stop_content();
  answer(verdicts);
  engine.replied();
}

void LmtpSession::handle(const LmtpProbe& probe) {
  engine();
  Spool none({0, 0, {}});
  none.end();
  answer(deliver({probe.envelope, none, clock_.now(), true}));
  engine_->replied();
}

std::vector<Verdict> LmtpSession::deliver(const LmtpTask& task) {
  const auto refuse = [&](const Verdict& verdict) {
    return std::vector<Verdict>(task.envelope.recipients.size(), verdict);
  };
  if (usage_) return refuse(bad_configuration("usage: " + *usage_));
  try {
    return engine_->deliver(task);
  } catch (const std::exception& error) {
    return refuse(refused_verdict({4, 3, 0}, std::string("internal error: ") + error.what()));
  }
}

void LmtpSession::answer(const std::vector<Verdict>& verdicts) {
  for (const Verdict& verdict : verdicts) {
    const bool sent = verdict.disposition == Disposition::Delivered;
    connection_.answer({sent ? EnhancedStatus{2, 0, 0} : verdict.status, with_local_times(verdict.text)});
  }
}

}  // namespace relaypipe
