#include "smtp/dsn_parameters.h"

#include <string>

#include "catch.h"

namespace relaypipe {
namespace {

TEST_CASE("an original recipient is xtext, or UTF-8 where its type says so") {
  CHECK(parse_orcpt("rfc822;a+2Bb@example.com") == "rfc822;a+2Bb@example.com");
  CHECK(parse_orcpt("RFC822;a") == "RFC822;a");
  CHECK(parse_orcpt("utf-8;\xc3\xbc@example.com") == "utf-8;\xc3\xbc@example.com");
  CHECK(parse_orcpt("utf-8;a\\x{2B}b@example.com") == "utf-8;a\\x{2B}b@example.com");
  CHECK_FALSE(parse_orcpt("utf-8;\xc3@example.com"));
  CHECK_FALSE(parse_orcpt("utf-8;a=b"));
  CHECK_FALSE(parse_orcpt("utf-8;"));
  CHECK_FALSE(parse_orcpt("x-\xc3\xbc;a"));
  CHECK_FALSE(parse_orcpt("rfc822;a+zz"));
}

TEST_CASE("what was asked for is handed on to a relay that knows DSN") {
  Envelope envelope;
  envelope.recipients = {*parse_address("a@example.com"), *parse_address("b@example.com")};
  CHECK(mail_dsn_parameters(envelope).empty());
  CHECK(rcpt_dsn_parameters(envelope, 0, true).empty());
  envelope.dsn = {"HDRS", "QQ314"};
  envelope.recipient_dsn = {{"SUCCESS,FAILURE", "rfc822;a@example.com"}, {"", "utf-8;\xc3\xbc@example.com"}};
  CHECK(mail_dsn_parameters(envelope) == " RET=HDRS ENVID=QQ314");
  CHECK(rcpt_dsn_parameters(envelope, 0, false) == " NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a@example.com");
  CHECK(rcpt_dsn_parameters(envelope, 1, true) == " ORCPT=utf-8;\xc3\xbc@example.com");
  CHECK(rcpt_dsn_parameters(envelope, 1, false).empty());
  CHECK(rcpt_dsn_parameters(envelope, 2, false).empty());
}

}  // namespace
}  // namespace relaypipe
