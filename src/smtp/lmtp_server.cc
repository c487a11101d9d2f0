// What always holds:
// - Every command has its reply, in the order of the commands; a command is obeyed only when all before it are
// answered.
// - A recipient got 250 to RCPT before it is in an LmtpMessage, and has one reply after the dot.
// - LmtpEndOfData comes of CRLF.CRLF alone, never of the connection's end.
// - What a client can make us keep is bounded: a line, the recipients of one transaction, some output, and what the
//   owner passes to receive() at a time.

#include "smtp/lmtp_server.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/printable.h"
#include "message/received_id.h"

namespace relaypipe {
namespace {

constexpr std::size_t kMuchOutput = std::size_t{64} * 1024;
constexpr std::size_t kTextOctets = 1000;  // of a reply: Postfix reads lines of 2048 octets
constexpr std::size_t kRecipientOctets = std::size_t{4} * 1024 * 1024;

// lmtp(8) gathers commands in a buffer of 4096 octets, and sends what is in it when the next one does not fit.
constexpr std::size_t kFullBatch = 4096 - 512;
constexpr Duration kTransit = std::chrono::milliseconds(50);  // the rest of a batch may be on its way

constexpr std::string_view kRecipientOk = "Ok";
constexpr std::string_view kRecipientUnasked = "Ok, no relay was asked";

int code_of(const EnhancedStatus& status) {
  constexpr int kOk = 250;
  constexpr int kDeferred = 451;
  constexpr int kRefused = 550;
  return status.klass == 2 ? kOk : status.klass == 5 ? kRefused : kDeferred;
}

LmtpReply reply_of(const CommandError& error) { return {error.status, error.text}; }

}  // namespace

LmtpServer::LmtpServer(Settings settings) : settings_(std::move(settings)) {
  say("220 " + settings_.hostname + " LMTP relaypipe");
}

LmtpServer::Want LmtpServer::want() const {
  if (phase_ == Phase::End) return Want::End;
  if (phase_ == Phase::Probe || phase_ == Phase::EndOfData) return Want::Answer;
  if (phase_ == Phase::Commands && output().size() > kMuchOutput) return Want::Output;
  return phase_ == Phase::Commands && !held_.empty() ? Want::Quiet : Want::Input;
}

Duration LmtpServer::quiet_after() const { return batch_ >= kFullBatch ? Duration::zero() : kTransit; }

void LmtpServer::closed() {
  lines_.drop();
  phase_ = Phase::End;
}

std::optional<LmtpEvent> LmtpServer::next() {
  while (phase_ == Phase::Commands && output().size() <= kMuchOutput) {
    const auto line = lines_.next();
    if (!line) {
      // With nothing held back the client may have all replies, and then begins another batch.
      if (held_.empty()) batch_ = 0;
      return std::nullopt;
    }
    if (auto event = take_line(*line)) return event;
  }
  if (phase_ == Phase::Header) return next_message();
  if (phase_ == Phase::Content) return next_content();
  if (phase_ != Phase::End || std::exchange(end_told_, true)) return std::nullopt;
  return LmtpSessionEnd{};
}

std::optional<LmtpEvent> LmtpServer::next_message() {
  ReceivedId received = message_.envelope.queue_id.empty() ? find_received_id(lines_.rest(), lhlo_name_)
                                                           : ReceivedId{true, message_.envelope.queue_id};
  if (!received.decided) return std::nullopt;
  message_.envelope.queue_id = std::move(received.id);
  phase_ = Phase::Content;
  return std::exchange(message_, {});
}

std::optional<LmtpEvent> LmtpServer::next_content() {
  while (!lines_.rest().empty()) {
    const auto part = decoder_.feed(lines_.rest());
    lines_.take(part.taken);
    if (part.ended) {
      phase_ = Phase::EndOfData;
      return LmtpEndOfData{};
    }
    if (!part.content.empty()) return LmtpContent{part.content};
  }
  return std::nullopt;
}

std::optional<LmtpEvent> LmtpServer::quiet() {
  if (phase_ != Phase::Commands || held_.empty()) return std::nullopt;
  if (batch_ < kFullBatch || held_.size() < 2) return probe();
  accept_held(kRecipientUnasked);
  return std::nullopt;
}

std::optional<LmtpEvent> LmtpServer::take_line(const CommandLines::Line& line) {
  LmtpCommand command = parse_lmtp_command(line.text);
  // What was cut off must not be missed: no arguments are none of those that need some.
  if (line.overlong) command.arguments = {};
  const bool goes_on = command.verb == LmtpVerb::Rcpt || command.verb == LmtpVerb::Data;
  if (!held_.empty() && !goes_on) {
    // The line stays the next one, and is obeyed when the probe is answered.
    if (auto event = probe()) return event;
  }
  idle_ = false;
  batch_ += line.text.size();
  obey(command);
  lines_.take();
  return std::nullopt;
}

void LmtpServer::obey(const LmtpCommand& command) {
  switch (command.verb) {
    case LmtpVerb::Lhlo: return introduce(command.arguments);
    case LmtpVerb::Mail: return begin_transaction(command.arguments);
    case LmtpVerb::Rcpt: return add_recipient(command.arguments);
    case LmtpVerb::Data: return begin_message();
    case LmtpVerb::Rset: reset(); return say("250 2.0.0 Ok");
    case LmtpVerb::Noop: return say("250 2.0.0 Ok");
    case LmtpVerb::Vrfy: return say("252 2.0.0 Ask with RCPT");
    case LmtpVerb::Quit: phase_ = Phase::End; return say("221 2.0.0 Bye");
    case LmtpVerb::Xforward:
      return say(parse_xforward(command.arguments, client_) ? "250 2.0.0 Ok" : "501 5.5.4 Bad XFORWARD attributes");
    case LmtpVerb::Hello: return say("500 5.5.1 This is LMTP: say LHLO");
    default: return say("500 5.5.2 Command not known");
  }
}

void LmtpServer::introduce(std::string_view client) {
  reset();
  lhlo_name_ = client;
  say("250-" + settings_.hostname);
  for (const char* const keyword : {"PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"})
    say(std::string("250-") + keyword);
  if (settings_.dsn) say("250-DSN");
  say("250-XFORWARD " + std::string(kForwardedAttributes));
  say("250 SIZE 0");
}

void LmtpServer::begin_transaction(std::string_view arguments) {
  const ForwardedClient client = client_;
  reset();
  client_ = client;
  auto command = parse_mail_command(arguments);
  if (!command && command.error().status.klass != 5) return say(reply_of(command.error()));
  if (!command) bad_sender_ = reply_of(command.error());
  mail_ = command ? *std::move(command) : MailCommand();
  say("250 2.1.0 Ok");
}

void LmtpServer::add_recipient(std::string_view arguments) {
  if (!mail_) return say("503 5.5.1 MAIL comes first");
  if (named_ == kLmtpRecipients || named_octets_ > kRecipientOctets) {
    // No probe has so many.
    accept_held(kRecipientUnasked);
    return say("452 4.5.3 Too many recipients");
  }
  ++named_;
  named_octets_ += arguments.size();
  auto command = parse_rcpt_command(arguments);
  if (bad_sender_)
    held_.push_back({{}, bad_sender_});
  else if (!command)
    held_.push_back({{}, reply_of(command.error())});
  else
    held_.push_back({*std::move(command), std::nullopt});
}

/// Has a relay asked about the recipients that are held back; nothing where none of them is one.
std::optional<LmtpEvent> LmtpServer::probe() {
  LmtpProbe event{envelope()};
  for (const Held& held : held_) {
    if (held.refusal) continue;
    event.envelope.recipients.push_back(held.command.recipient);
    event.envelope.recipient_dsn.push_back(held.command.dsn);
  }
  phase_ = Phase::Probe;
  skip_refused();
  if (phase_ != Phase::Probe) return std::nullopt;
  return event;
}

/// In a probe: says what is known of the next recipients, up to the one whose answer is owed or to the end.
void LmtpServer::skip_refused() {
  for (; decided_ < held_.size() && held_[decided_].refusal; ++decided_)
    say(*held_[decided_].refusal);
  if (decided_ < held_.size()) return;
  held_.clear();
  decided_ = 0;
  batch_ = 0;
  phase_ = Phase::Commands;
}

/// Says the reply, or that it is no recipient; keeps it where it is accepted.
void LmtpServer::accept(Held& held, const LmtpReply& reply) {
  say(held.refusal ? *held.refusal : reply);
  if (!held.refusal && reply.status.klass == 2) recipients_.push_back(std::move(held.command));
}

/// Accepts all that are held back and are recipients.
void LmtpServer::accept_held(std::string_view text) {
  const LmtpReply reply{{2, 1, 5}, std::string(text)};
  for (Held& held : held_)
    accept(held, reply);
  held_.clear();
  batch_ = 0;
}

void LmtpServer::answer(const LmtpReply& reply) {
  if (phase_ == Phase::Probe) {
    accept(held_[decided_++], reply);
    skip_refused();
  } else if (phase_ == Phase::EndOfData) {
    say(reply);
    if (--owed_ > 0) return;
    reset();
    idle_ = true;
    phase_ = Phase::Commands;
  }
}

void LmtpServer::begin_message() {
  accept_held(kRecipientOk);
  if (recipients_.empty()) return say(mail_ ? "554 5.5.1 No valid recipients" : "503 5.5.1 MAIL comes first");
  message_ = {envelope()};
  for (RcptCommand& each : recipients_) {
    message_.envelope.recipients.push_back(std::move(each.recipient));
    message_.envelope.recipient_dsn.push_back(std::move(each.dsn));
  }
  owed_ = recipients_.size();
  decoder_ = {};
  phase_ = Phase::Header;
  say("354 End data with <CR><LF>.<CR><LF>");
}

/// The envelope without recipients.
Envelope LmtpServer::envelope() const {
  Envelope envelope;
  envelope.queue_id = client_.queue_id;
  envelope.sender = mail_->sender;
  envelope.announced_size = mail_->size;
  envelope.client = client_.client;
  envelope.delimited = true;
  envelope.smtputf8 = mail_->smtputf8;
  envelope.dsn = mail_->dsn;
  return envelope;
}

void LmtpServer::reset() {
  client_ = {};
  mail_.reset();
  bad_sender_.reset();
  recipients_.clear();
  named_ = 0;
  named_octets_ = 0;
  batch_ = 0;
}

void LmtpServer::say(std::string_view line) {
  if (sent_ == output_.size()) {
    output_.clear();
    sent_ = 0;
  }
  output_.append(line).append("\r\n");
}

void LmtpServer::say(const LmtpReply& reply) {
  const std::string text = printable(reply.text);
  say(std::to_string(code_of(reply.status)) + ' ' + reply.status.text() + ' ' + std::string(clip(text, kTextOctets)));
}

}  // namespace relaypipe
