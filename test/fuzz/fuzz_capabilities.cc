// What a relay announces after EHLO, and a handshake that goes by it. Foreign octets decide what is sent later.
#include <algorithm>
#include <string>
#include <vector>

#include "base/printable.h"
#include "fuzz.h"
#include "smtp/capabilities.h"
#include "smtp/handshake.h"
#include "smtp/sasl.h"
#include "smtp/transaction.h"

namespace {

using namespace relaypipe;

bool same(const Capabilities& a, const Capabilities& b) {
  return a.pipelining == b.pipelining && a.size == b.size && a.size_limit == b.size_limit &&
         a.eight_bit_mime == b.eight_bit_mime && a.smtputf8 == b.smtputf8 && a.starttls == b.starttls &&
         a.enhanced_status == b.enhanced_status && a.dsn == b.dsn && a.auth == b.auth && a.xforward == b.xforward &&
         a.xclient == b.xclient;
}

void check_names(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    must(!name.empty(), "a name is not empty");
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
    must(plain, "a name can be said in a command", name);
    must(std::count(names.begin(), names.end(), name) == 1, "a name stands there once", name);
  }
}

/// What is not offered is not asked for, whatever the message is.
void check_request(const Capabilities& relay) {
  ContentFacts content;
  content.size = 1234;
  content.eight_bit_body = true;
  Envelope envelope;
  envelope.sender = *parse_address("\xc3\xbc@example.com");
  envelope.recipients = {envelope.sender};
  envelope.dsn.ret = "HDRS";
  const std::string mail = make_request(envelope, content, relay).mail;
  must((mail.find(" SIZE=1234") != mail.npos) == relay.size, "SIZE= where offered", mail);
  must((mail.find(" BODY=8BITMIME") != mail.npos) == relay.eight_bit_mime, "BODY= where offered", mail);
  must((mail.find(" SMTPUTF8") != mail.npos) == relay.smtputf8, "SMTPUTF8 where offered", mail);
  must((mail.find(" RET=HDRS") != mail.npos) == relay.dsn, "DSN where offered", mail);
  must(mail.find_first_of("\r\n") == mail.npos, "a command is one line", mail);
}

void check(const Reply& reply) {
  const Capabilities found = parse_capabilities(reply);
  must(!found.size_limit || (found.size && *found.size_limit > 0), "a limit is SIZE's and not zero");
  for (const auto* names : {&found.auth, &found.xforward, &found.xclient})
    check_names(*names);
  check_request(found);

  Reply other = reply;
  for (std::string& line : other.lines)
    line = lower(line);
  must(same(found, parse_capabilities(other)), "case does not matter");
  other.lines.insert(other.lines.begin() + 1, {"X-UNKNOWN one two", "", " "});
  must(same(found, parse_capabilities(other)), "unknown keywords do not matter");
  other.lines.front() = "PIPELINING 8BITMIME STARTTLS";
  must(same(found, parse_capabilities(other)), "the greeting is no keyword");
  other.lines.resize(1);
  must(same(Capabilities(), parse_capabilities(other)), "the greeting offers nothing");

  const std::vector<std::string> any;
  const std::string text = no_common_mechanism(found.auth, mechanisms_for(false, any));
  must_be_line(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string octets(data, data + size);
  ReplyParser parser;
  parser.feed(octets);
  const auto reply = parser.take();
  if (reply) check(*reply);

  Handshake whole(false);
  Handshake pieces(false);
  for (Handshake* const each : {&whole, &pieces}) {
    each->connected();
    each->received("220 relay.example\r\n");
    each->sent("EHLO client.example\r\n");
  }
  bool in_step = true;
  for (const char& c : octets)
    in_step = pieces.received({&c, 1}) && in_step;
  must(whole.received(octets) == in_step, "every split of what is received is the same");
  must(same(whole.capabilities(), pieces.capabilities()), "and announces the same");
  must(whole.stage() == pieces.stage(), "and leads to the same stage");
  must(!whole.authenticated(), "nobody is authenticated without AUTH");
  if (reply && reply->positive() && parser.feed("") == 0 && octets.size() < kReplyOctets) {
    // Only of the first reply: what a relay says without being asked announces nothing.
    must(whole.fault() || same(whole.capabilities(), parse_capabilities(*reply)) || octets.find('\n') + 1 < size,
         "what EHLO is answered is announced");
  }
  return 0;
}
