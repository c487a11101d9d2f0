#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "message/address.h"

namespace relaypipe {

/// One mailbox of an address list, as offsets into the text it was read from.
struct Mailbox {
  Address address;                ///< without comments, folding and source route
  std::size_t begin = 0;          ///< of the whole: the display name, or the address where there is none
  std::size_t name_end = 0;       ///< behind the display name; `begin` where there is none
  std::size_t end = 0;            ///< behind its last octet, the `>` included; comments around it are not
  std::size_t address_begin = 0;  ///< of the address: inside the angle brackets, a source route included
  std::size_t address_end = 0;
  bool in_group = false;
};

/// Reads the body of an address field (To, Cc, Bcc, From, Sender, Reply-To): RFC 5322 3.4 with groups, comments,
/// folding and the obsolete forms of 4.4 (source routes, empty elements, blanks and comments inside an address), UTF-8
/// as in RFC 6532. Encoded words of a display name are left alone. Dots where RFC 5322 has none, as in `a..b@x` and
/// `a.@x`, are read as part of a local part, which is then quoted.
///
/// A list is read whole or not at all: whatever another reader could see otherwise is an error, such as two addresses
/// without a comma between them, an address in a display name without quotes, or quotes that do not end. An address
/// without a domain is one too, but for postmaster. The error is the end of a sentence that begins with the field's
/// name. No mailbox at all (`undisclosed-recipients:;`) is none.
Result<std::vector<Mailbox>, std::string> parse_mailbox_list(std::string_view body);

}  // namespace relaypipe
