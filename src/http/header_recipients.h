#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "http/api_input.h"
#include "message/edited_message.h"
#include "message/envelope.h"
#include "message/message_source.h"

namespace relaypipe {

/// Reads whom the header of a message names in To and Cc, and in their Resent- forms, and where its Bcc fields are. The
/// message is complete. What cannot be read for certain is a `problem`.
HeaderRecipients read_header_recipients(MessageSource& message);

/// The first of those people who is not a recipient of the envelope; nullptr where there is none. An address is the
/// same in any case of its letters. Whether an interface writes to Resent- fields nobody says, so those in them count.
const Address* find_other_recipient(const HeaderRecipients& header, const Envelope& envelope);

/// The Bcc field that names the recipients of the envelope whom To and Cc do not; empty where they name all. To be only
/// in a Resent- field is not enough: the message would be taken and not be sent to that recipient.
std::string bcc_field(const HeaderRecipients& header, const Envelope& envelope);

/// What changes in the header: the Bcc fields of the message go, and `bcc` (a whole field, or empty) comes.
std::vector<Edit> header_edits(const HeaderRecipients& header, const std::string& bcc);

}  // namespace relaypipe
