#pragma once

#include <string>
#include <string_view>

namespace relaypipe {

/// Postfix's name of a message, as far as its content tells it.
struct ReceivedId {
  bool decided = false;  ///< false: more of the content is needed
  std::string id;        ///< empty: the content does not tell
};

/// Looks for the queue id of mail that was made on this machine (sendmail(1), bounces, what local(8) forwards), for
/// which lmtp(8) tells none in XFORWARD. It stands in the first Received field, `by HOST (Postfix ...) id ID; date`,
/// which pickup(8) and cleanup(8) put there. `wire`: the beginning of the content in the wire form of DATA; `host`:
/// Postfix's myhostname, which lmtp(8) says in LHLO. A field with `from` belongs to mail that came from elsewhere.
ReceivedId find_received_id(std::string_view wire, std::string_view host);

}  // namespace relaypipe
