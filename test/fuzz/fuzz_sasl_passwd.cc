// A password map is a file that people write by hand; its lines hold secrets.
#include <string>

#include "base/secret.h"
#include "config/password_map.h"
#include "fuzz.h"

using namespace relaypipe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto map = parse_password_map(text);
  std::uint32_t line = 0;
  for (const MapAccount& account : map) {
    must(account.line > line, "accounts come in the order of their lines", account.key);
    line = account.line;
    must(account.key.find('\n') == account.key.npos, "a key is on one line", account.key);
    if (!account.problem.empty()) {
      must_be_line(account.problem);
      must(account.problem.size() < 120, "a problem repeats nothing of the file", account.problem);
      continue;
    }
    must(!account.key.empty(), "an account has a key");
    must(!account.username.empty() && account.username.find(':') == account.username.npos,
         "a username ends at the first colon", account.username);
    must(!account.password.empty(), "an account has a password", account.key);
    must(text.find(account.username) != text.npos || text.find("\n") != text.npos, "a username stands in the file",
         account.username);
    const std::string keys[] = {account.key};
    const MapAccount* const found = find_account(map, keys);
    must(found == &account, "an account without a problem is found by its key", account.key);
  }
  return 0;
}
