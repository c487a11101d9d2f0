// A session of LMTP as a dialogue: the octets say what the client sends and when it waits; a model that knows only the
// octets and the replies checks what RFC 2033 and the promises of relaypipe demand.
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fuzz.h"
#include "smtp/lmtp_server.h"

namespace {

using namespace relaypipe;
using Want = LmtpServer::Want;

/// The content in the wire form of DATA, without its dot: as simple as it can be said.
std::string unstuffed(std::string_view wire) {
  std::string content;
  for (bool line_begins = true; !wire.empty(); wire.remove_prefix(1)) {
    if (!line_begins || wire.front() != '.') content += wire.front();
    line_begins = wire.front() == '\n' && content.ends_with("\r\n");
  }
  return content;
}

class Session {
 public:
  explicit Session(unsigned answers) : answers_(answers), server_({"mail.example", answers % 2 == 0}) { serve(); }

  void say(std::string_view octets) {
    server_.receive(octets);
    serve();
  }
  void quiet() {
    if (auto event = server_.quiet()) happened(*event);
    serve();
    must(server_.want() != Want::Quiet, "a client that waits gets its replies");
  }
  void close() {
    server_.closed();
    serve();
    must(ended_ && server_.want() == Want::End, "the end of the connection ends the session");
  }

  /// Everything that was said and has happened.
  [[nodiscard]] const std::string& story() const { return story_; }
  [[nodiscard]] std::size_t replies() const { return replies_; }
  [[nodiscard]] const std::string& last_reply() const { return last_reply_; }
  [[nodiscard]] bool in_content() const { return in_content_; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] std::size_t dots() const { return dots_; }
  [[nodiscard]] std::size_t dot_replies() const { return dot_replies_; }
  [[nodiscard]] const std::string& content() const { return content_; }
  [[nodiscard]] bool holds() const { return server_.want() == Want::Quiet; }

 private:
  void serve() {
    for (;;) {
      const auto event = server_.next();
      send();
      if (event) happened(*event);
      send();
      if (!event && server_.want() != Want::Output) return;
    }
  }

  void send() {
    std::string_view rest = server_.output();
    story_ += rest;
    while (!rest.empty()) {
      const std::size_t end = rest.find("\r\n");
      must(end != rest.npos && end > 4, "a reply is a line", rest);
      const std::string_view line = rest.substr(0, end);
      must_be_line(line);
      must(line[0] >= '2' && line[0] <= '5' && (line[3] == ' ' || line[3] == '-'), "a reply has a code", line);
      if (line[3] == ' ') {
        ++replies_;
        last_reply_ = line;
      }
      if (line.starts_with("354 ")) {
        in_content_ = true;
        content_.clear();
      }
      rest.remove_prefix(end + 2);
    }
    server_.sent(server_.output().size());
  }

  void happened(const LmtpEvent& event) {
    must(!ended_, "nothing happens after the end");
    if (const auto* const content = std::get_if<LmtpContent>(&event)) {
      must(in_message_ && !content->octets.empty(), "content belongs to a message");
      content_ += content->octets;
    }
    if (const auto* const probe = std::get_if<LmtpProbe>(&event)) {
      must(!in_content_, "a probe is no message");
      begin("probe", probe->envelope);
    }
    if (const auto* const message = std::get_if<LmtpMessage>(&event)) {
      must(in_content_ && !in_message_, "one message at a time, after 354");
      in_message_ = true;
      begin("message", message->envelope);
    }
    if (std::holds_alternative<LmtpProbe>(event)) answer();
    if (std::holds_alternative<LmtpEndOfData>(event)) {
      must(in_message_, "a dot ends a message");
      in_content_ = in_message_ = false;
      ++dots_;
      dot_replies_ += recipients_;
      story_ += content_ + "dot\n";
      answer();
    }
    if (std::holds_alternative<LmtpSessionEnd>(event)) ended_ = true;
  }

  void begin(std::string_view what, const Envelope& envelope) {
    must(!envelope.recipients.empty(), "somebody is to be asked or to get it");
    must(envelope.recipients.size() == envelope.recipient_dsn.size(), "each has its parameters");
    must(!server_.idle(), "a session in use is not idle");
    recipients_ = envelope.recipients.size();
    story_ += std::string(what) + envelope.sender.path();
    for (const Address& recipient : envelope.recipients)
      story_ += recipient.path();
  }

  void answer() {
    for (std::size_t i = 0; i < recipients_; ++i) {
      must(server_.want() == Want::Answer, "an answer for each recipient is waited for");
      const bool good = (answers_ >> (i % 8) & 1U) != 0;
      server_.answer({{good ? 2 : i % 2 == 0 ? 4 : 5, 1, 1}, "said"});
    }
    must(server_.want() != Want::Answer, "and no more");
  }

  unsigned answers_;
  LmtpServer server_;
  std::string story_;
  std::string last_reply_;
  std::string content_;
  std::size_t replies_ = 0;
  std::size_t recipients_ = 0;
  std::size_t dots_ = 0;
  std::size_t dot_replies_ = 0;
  bool in_content_ = false;  ///< 354 was said, and no dot came
  bool in_message_ = false;  ///< and the message was told of
  bool ended_ = false;
};

/// Follows a session octet by octet.
class Model {
 public:
  explicit Model(Session& session) : session_(session) {}

  void say(char octet) {
    const bool content = session_.in_content();
    const std::size_t dots = session_.dots();
    const bool ended = session_.ended();
    session_.say({&octet, 1});
    if (ended) return;
    if (content) {
      take_content(octet, session_.dots() > dots);
    } else {
      must(session_.dots() == dots, "no dot outside of a content");
      take_command(octet);
    }
    if (session_.holds()) return;
    must(session_.replies() == 1 + commands_ + session_.dot_replies(), "each command has one reply",
         session_.last_reply());
  }

 private:
  void take_content(char octet, bool dot) {
    wire_ += octet;
    const bool last = wire_ == ".\r\n" || wire_.ends_with("\r\n.\r\n");
    must(last == dot, "CRLF.CRLF ends the content, and nothing else", wire_);
    if (!last) return;
    must(session_.content() == unstuffed(wire_.substr(0, wire_.size() - 3)), "the content is what was sent", wire_);
    wire_.clear();
  }

  void take_command(char octet) {
    line_ += octet;
    if (octet != '\n') return;
    ++commands_;
    const LmtpVerb verb = parse_lmtp_command(line_).verb;
    const bool harmless = verb != LmtpVerb::Mail && verb != LmtpVerb::Lhlo;
    must(harmless || session_.last_reply()[0] != '5', "MAIL and LHLO are not refused for good", session_.last_reply());
    line_.clear();
  }

  Session& session_;
  std::string line_;
  std::string wire_;
  std::size_t commands_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  Session whole(data[0]);
  Session cut(data[0]);
  Model model(cut);
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (!rest.empty()) {
    // A line of one question mark is no line: the client waits.
    const std::string_view line = rest.substr(0, std::min(rest.find('\n'), rest.size() - 1) + 1);
    rest.remove_prefix(line.size());
    if (line == "?\n") {
      whole.quiet();
      cut.quiet();
      continue;
    }
    whole.say(line);
    for (const char octet : line)
      model.say(octet);
  }
  must(whole.story() == cut.story(), "every cut of the octets is the same session", cut.story());
  whole.close();
  return 0;
}
