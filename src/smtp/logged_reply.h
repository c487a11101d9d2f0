#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "smtp/stage.h"

namespace relaypipe {

/// A relay's reply, found in a line of the mail log.
struct LoggedReply {
  std::string reply;  ///< its lines as the relay sent them, ends of lines `\n`
  std::string host;   ///< the relay's name, as before `[address]`; empty where the line does not tell
  Stage stage;        ///< where it was said
};

/// Whether a text is a line of the mail log, Postfix's or ours, rather than a reply.
bool is_log_line(std::string_view text);

/// The reply that a line of the mail log quotes: smtp(8)'s (`host h[ip] said: 550 … (in reply to RCPT TO command)`,
/// `SASL authentication failed; server h[ip] said: …`, `host h[ip] refused to talk to me: …`), our own, and pipe(8)'s
/// that repeats ours. Nothing where it quotes none.
std::optional<LoggedReply> reply_in_log_line(std::string_view line);

}  // namespace relaypipe
