#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "message/address.h"
#include "message/dsn_request.h"
#include "smtp/enhanced_status.h"

namespace relaypipe {

/// The commands of LMTP (RFC 2033) that lmtp(8) uses, and those that belong to RFC 5321's minimum.
enum class LmtpVerb {
  Lhlo,
  Mail,
  Rcpt,
  Data,
  Rset,
  Noop,
  Vrfy,
  Quit,
  Xforward,
  Hello,    ///< HELO and EHLO, which LMTP does not have (RFC 2033 section 4.1)
  Unknown,  ///< anything else, the empty line as well
};

/// A command line in its two parts.
struct LmtpCommand {
  LmtpVerb verb = LmtpVerb::Unknown;
  std::string_view arguments;  ///< what follows the verb, without the blanks around it
};

/// Reads a command line without its line end; case does not matter. The arguments are views of it.
LmtpCommand parse_lmtp_command(std::string_view line);

/// What MAIL says.
struct MailCommand {
  Address sender;
  std::optional<std::uint64_t> size;  ///< octets of the content as Postfix counts them
  bool smtputf8 = false;
  DsnRequest dsn;
};

/// What RCPT says.
struct RcptCommand {
  Address recipient;
  RecipientDsn dsn;
};

/// Why a command is not obeyed. The class of the status is 5 only where an address can never become a path, which is
/// the message's own fault; what else may be wrong is between Postfix and us, and waits until it is put right.
struct CommandError {
  EnhancedStatus status;
  std::string text;
};

/// Reads `FROM:<path>` with SIZE, BODY, SMTPUTF8, RET and ENVID.
Result<MailCommand, CommandError> parse_mail_command(std::string_view arguments);

/// Reads `TO:<path>` with NOTIFY and ORCPT.
Result<RcptCommand, CommandError> parse_rcpt_command(std::string_view arguments);

}  // namespace relaypipe
