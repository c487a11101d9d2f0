#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "message/envelope.h"
#include "smtp/session_facts.h"
#include "verdict/verdict.h"

namespace relaypipe {

/// Where the time of a delivery went, as in Postfix's `delays=a/b/c/d`.
struct Delays {
  Duration reading{};   ///< a: until the message was complete
  Duration setup{};     ///< c: to the session that decided, earlier relays included
  Duration transfer{};  ///< d: its transaction
  Duration total{};
};

/// What a log line begins with: the queue id, or `NOQUEUE` for a message that has none, as Postfix writes it.
std::string log_id(std::string_view queue_id);

/// One attempt, in the form of Postfix's delivery lines but with `attempt=` where those have `status=`: `4Xyz:
/// to=<a@b>, relay=h[ip]:587, delay=0.03, delays=0/0/0.03/0, dsn=4.7.1, cause=quota, until=00:00 UTC, attempt=failed
/// (host … said: …)`. The cause where it is known, until when where it is told. `session`: how the session
/// is protected, such as `, tls=TLSv1.3/…`, or nothing.
std::string attempt_line(const Envelope& envelope, const ClassifiedAttempt& classified, std::string_view session = {});

/// How a session is protected and as whom it is authenticated, for attempt_line(): `, tls=TLSv1.3/
/// TLS_AES_256_GCM_SHA384/verified, sasl_method=PLAIN, sasl_username=user`, the last two in Postfix's names. In clear
/// text `, tls=none`, with the reason where TLS was welcome.
std::string session_words(const SessionFacts& facts);

/// The verdicts (one for all recipients, or one for each in their order), one line per recipient, in the form of
/// smtp(8) (log_adhoc.c) but with `verdict=`: pipe(8) writes `status=` for the same delivery, and statistics tools
/// count every line that has it. `4Xyz: to=<a@b>, relay=h[ip]:587, delay=…, delays=a/b/c/d, dsn=2.0.0, verdict=sent
/// (250 …)`. `at_once`: the only attempt is the one that was accepted, and has no line of its own, so the first line
/// says `attempt=accepted` too.
std::vector<std::string> verdict_lines(const Envelope& envelope, std::span<const Verdict> verdicts,
                                       const Delays& delays, bool at_once, std::string_view session = {});

}  // namespace relaypipe
