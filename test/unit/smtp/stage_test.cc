#include "smtp/stage.h"

#include <string_view>

#include "catch.h"

namespace relaypipe {
namespace {

TEST_CASE("each stage has its words") {
  struct Row {
    Stage stage;
    std::string_view name;
    std::string_view command;
  };
  const Row row = GENERATE(
      Row{Stage::Resolve, "resolve", ""}, Row{Stage::Connect, "connect", ""}, Row{Stage::Greeting, "greeting", ""},
      Row{Stage::Ehlo, "ehlo", "EHLO"}, Row{Stage::StartTls, "starttls", "STARTTLS"}, Row{Stage::Tls, "tls", ""},
      Row{Stage::Auth, "auth", "AUTH"}, Row{Stage::Request, "request", "POST"}, Row{Stage::Mail, "mail", "MAIL FROM"},
      Row{Stage::Rcpt, "rcpt", "RCPT TO"}, Row{Stage::Data, "data", "DATA"}, Row{Stage::Content, "content", "DATA"},
      Row{Stage::EndOfData, "end_of_data", "end of DATA"}, Row{Stage::Quit, "quit", "QUIT"});
  CHECK(name(row.stage) == row.name);
  CHECK(command_name(row.stage) == row.command);
  CHECK_FALSE(while_doing(row.stage).empty());
}

TEST_CASE("the words of the log are Postfix's") {
  CHECK(while_doing(Stage::Greeting) == "receiving the initial server greeting");
  CHECK(while_doing(Stage::Mail) == "sending MAIL FROM");
  CHECK(while_doing(Stage::EndOfData) == "sending end of data -- message may be sent more than once");
}

}  // namespace
}  // namespace relaypipe
