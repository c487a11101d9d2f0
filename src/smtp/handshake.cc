#include "smtp/handshake.h"

#include "base/printable.h"

namespace relaypipe {

void Handshake::connected() {
  if (stage_ == Stage::Connect) stage_ = implicit_tls_ ? Stage::Tls : Stage::Greeting;
}

void Handshake::sent(std::string_view command) {
  const std::string verb = lower(command.substr(0, command.find_first_of(" \r\n")));
  if (verb == "ehlo" || verb == "helo") {
    stage_ = Stage::Ehlo;
    extended_ = verb == "ehlo";
    capabilities_ = {};
  } else if (verb == "starttls") {
    stage_ = Stage::StartTls;
  } else if (verb == "auth") {
    stage_ = Stage::Auth;
  }
}

bool Handshake::received(std::string_view octets) {
  // The first octets on an implicit TLS connection tell that its handshake is done.
  if (stage_ == Stage::Connect || stage_ == Stage::Tls) stage_ = Stage::Greeting;
  while (!octets.empty() && !fault_) {
    octets.remove_prefix(parser_.feed(octets));
    if (const auto reply = parser_.take()) on_reply(*reply);
    fault_ = parser_.fault();
  }
  return !fault_;
}

void Handshake::on_reply(const Reply& reply) {
  last_reply_ = reply;
  if (stage_ == Stage::Ehlo && extended_ && reply.positive()) capabilities_ = parse_capabilities(reply);
  if (stage_ == Stage::StartTls && reply.positive()) stage_ = Stage::Tls;
  if (stage_ == Stage::Auth && reply.code == 235) authenticated_ = true;
}

}  // namespace relaypipe
