#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "catch.h"
#include "smtp/lmtp_server.h"

namespace relaypipe {

/// Plays the client and the owner of an LmtpServer and writes down what was said and what happened, one per line: the
/// replies, `probe SENDER: RECIPIENTS`, `message SENDER: RECIPIENTS`, `content OCTETS`, `dot`, `end`. A recipient whose
/// local part begins with `bad` is refused by the relays of this world, one that begins with `soft` deferred.
class LmtpDialogue {
 public:
  explicit LmtpDialogue(bool dsn = true) : server_({"mail.example", dsn}) { serve(); }

  /// Octets from the client; `cut`: the octets before which they come apart.
  void say(std::string_view octets) {
    server_.receive(octets);
    serve();
  }
  void quiet() {
    if (auto event = server_.quiet()) happened(*event);
    serve();
  }
  void close() {
    server_.closed();
    serve();
  }

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const Envelope& envelope() const { return envelope_; }
  LmtpServer& server() { return server_; }

 private:
  void serve() {
    for (bool more = true; more;) {
      const auto event = server_.next();
      send();
      if (event) happened(*event);
      send();
      more = event || !server_.output().empty();
    }
  }

  void send() {
    for (const char c : server_.output())
      if (c != '\r') text_ += c;
    server_.sent(server_.output().size());
  }

  void happened(const LmtpEvent& event) {
    const auto* const content = std::get_if<LmtpContent>(&event);
    if (content == nullptr) flush_content();
    if (content != nullptr) content_ += content->octets;
    if (const auto* const probe = std::get_if<LmtpProbe>(&event)) asked("probe", probe->envelope);
    if (const auto* const message = std::get_if<LmtpMessage>(&event)) asked("message", message->envelope);
    if (std::holds_alternative<LmtpProbe>(event)) answer_all();
    if (std::holds_alternative<LmtpEndOfData>(event)) text_ += "dot\n";
    if (std::holds_alternative<LmtpEndOfData>(event)) answer_all();
    if (std::holds_alternative<LmtpSessionEnd>(event)) text_ += "end\n";
  }

  void flush_content() {
    if (!content_.empty()) text_ += "content " + content_ + "\n";
    content_.clear();
  }

  void asked(std::string_view what, const Envelope& envelope) {
    text_ += std::string(what) + ' ' + envelope.sender.path() + ':';
    for (const Address& recipient : envelope.recipients)
      text_ += ' ' + recipient.text();
    text_ += '\n';
    CHECK(envelope.recipient_dsn.size() == envelope.recipients.size());
    envelope_ = envelope;
  }

  void answer_all() {
    for (const Address& recipient : envelope_.recipients) {
      REQUIRE(server_.want() == LmtpServer::Want::Answer);
      CHECK_FALSE(server_.next());
      const bool bad = recipient.text().starts_with("bad");
      const bool soft = recipient.text().starts_with("soft");
      server_.answer(bad    ? LmtpReply{{5, 1, 1}, "no such user"}
                     : soft ? LmtpReply{{4, 2, 0}, "come again"}
                            : LmtpReply{{2, 0, 0}, "taken"});
    }
    CHECK(server_.want() != LmtpServer::Want::Answer);
  }

  LmtpServer server_;
  std::string text_;
  std::string content_;  ///< in parts, as it came
  Envelope envelope_;    ///< of the last probe or message
};

}  // namespace relaypipe
