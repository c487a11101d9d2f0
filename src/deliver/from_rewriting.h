#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "message/edited_message.h"
#include "message/message_source.h"
#include "relay/address_rewriting.h"

namespace relaypipe {

/// What a relay's `header_from` does to a message.
struct FromRewriting {
  std::vector<Edit> edits;  ///< none where the message stays as it is
  std::string address;      ///< the first address of From that was written; empty where From stays
  std::string problem;      ///< why a field stays although it should not, as a sentence; empty: there is none
};

/// The edits that `header_from` asks for. Only addresses change: display names, comments and folding stay.
///
/// With one address for all, From has that address alone, with the display name of its first mailbox; other From fields
/// and Sender are taken out (RFC 5322 3.6.2: Sender should not repeat From), and where there is no From, or one that
/// cannot be read, it is written anew. With patterns or a domain, each address of From and Sender is looked at by
/// itself. Where From changes and there is no Reply-To, it gets what From was, so that answers still arrive.
FromRewriting rewrite_from(MessageSource& message, const AddressRewriting& rewriting, std::string_view delimiters);

}  // namespace relaypipe
