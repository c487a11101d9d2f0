#include "smtp/handshake.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "smtp/sasl.h"

namespace relaypipe {
namespace {

constexpr std::size_t kCodeOctets = 4;  // three digits and a blank or hyphen
constexpr int kChallengeClass = 3;      // 334 (RFC 4954), and others of 3yz as smtp(8) takes them
constexpr std::string_view kLineEnd = "\r\n";

/// The line with its code replaced where the relay's is of the same class: the library knows one code alone.
std::string with_code(std::string_view line, std::string_view code) {
  std::string text(line);
  if (text.front() == code.front()) text.replace(0, code.size(), code);
  return text;
}

}  // namespace

void Handshake::connected() {
  if (stage_ != Stage::Connect) return;
  stage_ = implicit_tls_ ? Stage::Tls : Stage::Greeting;
  ++steps_;
}

void Handshake::secured() {
  if (stage_ != Stage::Tls || !implicit_tls_) return;
  stage_ = Stage::Greeting;
  ++steps_;
}

void Handshake::sent(std::string_view command) {
  // What is said under TLS tells that its handshake is done.
  if (stage_ == Stage::Tls) ++steps_;
  const std::string verb = lower(command.substr(0, command.find_first_of(" \r\n")));
  if (verb == "ehlo" || verb == "helo") {
    stage_ = Stage::Ehlo;
    extended_ = verb == "ehlo";
    capabilities_ = {};
  } else if (verb == "starttls") {
    stage_ = Stage::StartTls;
  } else if (verb == "auth") {
    stage_ = Stage::Auth;
    const std::string_view rest = command.substr(std::min(command.size(), verb.size() + 1));
    mechanism_ = std::string(rest.substr(0, rest.find_first_of(" \r\n")));
    challenges_ = 0;
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
  return !fault_ && !bad_challenge_;
}

std::string Handshake::restated(std::string_view line) const {
  if (line.size() <= kCodeOctets) return std::string(line);
  if (stage_ == Stage::Auth) return line.starts_with('3') ? with_code(line, "334") : with_code(line, "235");
  if (stage_ == Stage::StartTls) return with_code(line, "220");
  if (stage_ != Stage::Ehlo || !extended_ || !line.starts_with('2')) return std::string(line);
  std::string_view text = line.substr(kCodeOctets);
  text = text.substr(0, std::min(text.find_first_of(kLineEnd), text.size()));
  // The first line names the relay, and is no keyword.
  std::string strict = parser_.in_reply() ? strict_ehlo_line(text, discarded_) : "";
  strict.resize(text.size(), ' ');
  return std::string(line).replace(kCodeOctets, text.size(), strict);
}

std::string Handshake::clear_reason() const {
  if (starttls_refusal_) return fmt::format("STARTTLS was refused ({})", starttls_refusal_->text());
  if (!extended_) return "EHLO was refused";
  if (std::find(discarded_.begin(), discarded_.end(), "STARTTLS") != discarded_.end())
    return "discard_ehlo_keywords names starttls";
  return "STARTTLS is not offered";
}

void Handshake::on_reply(const Reply& reply) {
  last_reply_ = reply;
  ++steps_;
  if (stage_ == Stage::Ehlo && extended_ && reply.positive()) capabilities_ = parse_capabilities(reply, discarded_);
  if (stage_ == Stage::StartTls && !reply.positive()) starttls_refusal_ = reply;
  if (stage_ == Stage::StartTls && reply.positive()) stage_ = Stage::Tls;
  if (stage_ == Stage::Auth && reply.positive()) authenticated_ = true;
  if (stage_ == Stage::Auth && reply.klass() == kChallengeClass && mechanism_ == "LOGIN" && !reply.lines.empty())
    bad_challenge_ = login_challenge_fault(challenges_++, reply.lines.front());
}

}  // namespace relaypipe
