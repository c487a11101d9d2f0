#include "base/file_names.h"

#include <string>

#include "catch.h"

namespace relaypipe {
namespace {

TEST_CASE("of absolute paths the last component is left") {
  struct Row {
    const char* text;
    const char* shown;
  };
  const Row row = GENERATE(
      Row{"", ""}, Row{"/", "/"}, Row{"/etc/relaypipe/ses.secret cannot be opened", "ses.secret cannot be opened"},
      Row{"/etc/relaypipe/relaypipe.toml:12:3: error: x", "relaypipe.toml:12:3: error: x"},
      Row{"\"/etc/a b\"", "\"a b\""}, Row{"(/run/x.sock)", "(x.sock)"}, Row{"unix:/run/policy/socket", "unix:socket"},
      Row{"password_file=/etc/x/y", "password_file=y"},
      Row{"chown u /var/lib/relaypipe/ && ls", "chown u relaypipe && ls"},
      Row{"https://support.example/a/b?c=/d", "https://support.example/a/b?c=/d"},
      Row{"8BIT/SMTP and/or", "8BIT/SMTP and/or"}, Row{"2 / 3", "2 / 3"}, Row{"//host/share", "//host/share"},
      Row{"/etc/müller/schlüssel!", "schlüssel!"});
  CAPTURE(row.text);
  CHECK(without_directories(row.text) == row.shown);
}

}  // namespace
}  // namespace relaypipe
