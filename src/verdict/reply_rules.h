#pragma once

#include <span>
#include <string>
#include <string_view>

#include "relay/reply_rule.h"

namespace relaypipe {

/// For which relays a row holds.
enum class Holds {
  There,     ///< at its provider's, where its words mean this and no other thing
  Anywhere,  ///< wherever they are read: nobody else says such a thing (a provider may be behind any host name)
};

/// One row of the compiled-in table: how a reply is recognised, and what it means.
struct ReplyRow {
  std::string_view provider;  ///< as in relay/provider.h, several separated by blanks; empty: no provider's
  Holds holds = Holds::Anywhere;
  std::string_view stages;  ///< names separated by blanks; empty: any
  std::string_view code;    ///< as in ReplyRule; several separated by blanks
  std::string_view status;  ///< as in ReplyRule; several separated by blanks
  std::string_view match;   ///< regular expression over judged_text(); empty: any
  Meaning means;
  Until until;
  std::string_view evidence;
};

/// The words of providers (provider_rows.cc), and those of mail servers whoever's they are, the general rules last.
/// Their order is that in which rows are tried among those of the same rank: the relay's provider's, then those that
/// hold anywhere, then the general ones, which have neither words nor a status.
std::span<const ReplyRow> provider_rows();
std::span<const ReplyRow> server_rows();

/// Whether a row is one of this provider's.
bool belongs_to(const ReplyRow& row, std::string_view provider);

/// The general rules of the design: they ask only for the stage and the code.
inline bool is_general(const ReplyRow& row) { return row.match.empty() && row.status.empty(); }

/// A row in words: `table: ses, "daily message quota exceeded" (documentation)`.
std::string row_text(const ReplyRow& row);

}  // namespace relaypipe
