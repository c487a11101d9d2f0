#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "smtp/reply.h"

namespace relaypipe {

/// What a relay announced in its last EHLO reply (RFC 5321 4.1.1.1). All false after HELO.
struct Capabilities {
  bool pipelining = false;                  ///< RFC 2920
  bool size = false;                        ///< RFC 1870: SIZE= may be sent
  std::optional<std::uint64_t> size_limit;  ///< octets; absent where none or 0 ("no fixed limit") was announced
  bool eight_bit_mime = false;              ///< RFC 6152
  bool smtputf8 = false;                    ///< RFC 6531
  bool starttls = false;                    ///< RFC 3207
  bool enhanced_status = false;             ///< RFC 2034
  bool dsn = false;                         ///< RFC 3461
  std::vector<std::string> auth;            ///< mechanism names in upper case (RFC 4954; `AUTH=` of old servers too)
  std::vector<std::string> xforward;        ///< attribute names in upper case (Postfix XFORWARD_README)
  std::vector<std::string> xclient;         ///< the same of XCLIENT (Postfix XCLIENT_README)
};

/// Reads an EHLO reply: the first line is the greeting, each further one a keyword with parameters; case does not
/// matter. Malformed lines and unknown keywords are skipped, and so are those of `discarded` (in upper case;
/// discard_ehlo_keywords).
Capabilities parse_capabilities(const Reply& ehlo, std::span<const std::string> discarded = {});

/// One line of an EHLO reply, without its code, as a stricter reader has to be given it to read what
/// parse_capabilities() reads: STARTTLS, or AUTH and its mechanisms, in upper case and with single blanks; empty for
/// every other keyword and for those discarded. Never longer than `line`.
std::string strict_ehlo_line(std::string_view line, std::span<const std::string> discarded = {});

}  // namespace relaypipe
