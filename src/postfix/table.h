#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "postfix/text.h"

namespace relaypipe {

/// A table of Postfix's, as a parameter names it: `texthash:/etc/postfix/transport`, `inline:{ {a = b} }`.
struct PostfixTable {
  /// How its entries can be had.
  enum class Kind {
    Listed,    ///< `postmap -s` prints them
    Pattern,   ///< regexp, pcre, cidr: only their text has them
    Constant,  ///< static: one value for all keys
    Hidden,    ///< they cannot be had: SQL, LDAP, TCP ...
  };
  std::string text;  ///< as written, without `proxy:`
  std::string type;
  std::string name;  ///< a path, or what stands in braces with them
  Kind kind = Kind::Hidden;
  bool indexed = false;  ///< postmap(1) makes it from a text
};

/// The tables of a parameter; what has no type (`/etc/aliases`, a list of domains) is left out.
std::vector<PostfixTable> parse_postfix_tables(std::string_view value);

/// The rules of a regexp, pcre or cidr table: the pattern and the result. `text`: a file, or what stands in braces.
std::vector<PostfixPair> parse_pattern_table(std::string_view type, std::string_view text);

}  // namespace relaypipe
