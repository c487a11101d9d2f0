#include "message/mailbox_list.h"

#include <string>
#include <string_view>
#include <vector>

#include "catch.h"

namespace relaypipe {
namespace {

/// Each mailbox as `address|the whole of it|the address as written`.
std::vector<std::string> read(std::string_view body) {
  const auto list = parse_mailbox_list(body);
  if (!list) return {"error: " + list.error()};
  std::vector<std::string> found;
  for (const Mailbox& mailbox : *list) {
    found.push_back(mailbox.address.text() + "|" +
                    std::string(body.substr(mailbox.begin, mailbox.end - mailbox.begin)) + "|" +
                    std::string(body.substr(mailbox.address_begin, mailbox.address_end - mailbox.address_begin)));
  }
  return found;
}

TEST_CASE("address lists that can be read") {
  struct Row {
    const char* body;
    std::vector<std::string> found;
  };
  const Row row = GENERATE(values<Row>({
      {" joe@example.com", {"joe@example.com|joe@example.com|joe@example.com"}},
      {" Joe Q. Public <joe@example.com>", {"joe@example.com|Joe Q. Public <joe@example.com>|joe@example.com"}},
      {" <joe@example.com>\r\n", {"joe@example.com|<joe@example.com>|joe@example.com"}},
      {" a@x, b@y,\r\n\t\"c, d\" <c@z>", {"a@x|a@x|a@x", "b@y|b@y|b@y", "c@z|\"c, d\" <c@z>|c@z"}},
      // Quotes, escapes and what only looks like an address inside them.
      {" \"joe@work.example, <x@y>\" <joe@home.example>",
       {"joe@home.example|\"joe@work.example, <x@y>\" <joe@home.example>|joe@home.example"}},
      {" \"a \\\"b\\\" c\" <a@x>", {"a@x|\"a \\\"b\\\" c\" <a@x>|a@x"}},
      {" \"joe\"@x", {"joe@x|\"joe\"@x|\"joe\"@x"}},
      {" \"joe doe\"@x", {"\"joe doe\"@x|\"joe doe\"@x|\"joe doe\"@x"}},
      {" \"a\\\"b\"@x", {"\"a\\\"b\"@x|\"a\\\"b\"@x|\"a\\\"b\"@x"}},
      {" joe.\"q public\"@x", {"\"joe.q public\"@x|joe.\"q public\"@x|joe.\"q public\"@x"}},
      {" \"joe\r\n doe\"@x", {"\"joe doe\"@x|\"joe\r\n doe\"@x|\"joe\r\n doe\"@x"}},
      // Comments.
      {" joe@x (Joe, (the <other> one) \\) @y)", {"joe@x|joe@x|joe@x"}},
      {" (first) Joe (Doe) <(c)joe(d)@(e)x(f)>(g), b@y",
       {"joe@x|Joe (Doe) <(c)joe(d)@(e)x(f)>|joe(d)@(e)x", "b@y|b@y|b@y"}},
      {" joe @ example . com", {"joe@example.com|joe @ example . com|joe @ example . com"}},
      // Groups.
      {" undisclosed-recipients:;", {}},
      {" A Group: a@x, \"B\" <b@x>;, c@x", {"a@x|a@x|a@x", "b@x|\"B\" <b@x>|b@x", "c@x|c@x|c@x"}},
      {" one:;, two: a@x;", {"a@x|a@x|a@x"}},
      // The obsolete forms.
      {" Joe <@a.example,@b.example:joe@x>", {"joe@x|Joe <@a.example,@b.example:joe@x>|@a.example,@b.example:joe@x"}},
      {" <,@a:joe@x>", {"joe@x|<,@a:joe@x>|,@a:joe@x"}},
      {" ,, a@x,, b@x,", {"a@x|a@x|a@x", "b@x|b@x|b@x"}},
      {" Q. . P <a@x>", {"a@x|Q. . P <a@x>|a@x"}},
      // Dots that RFC 5322 does not have.
      {" a..b@x, c.@y", {"\"a..b\"@x|a..b@x|a..b@x", "\"c.\"@y|c.@y|c.@y"}},
      {" a@x.", {"a@x|a@x.|a@x."}},
      {" a@[192.0.2.1], b@[IPv6:2001:db8::1]",
       {"a@[192.0.2.1]|a@[192.0.2.1]|a@[192.0.2.1]", "b@[IPv6:2001:db8::1]|b@[IPv6:2001:db8::1]|b@[IPv6:2001:db8::1]"}},
      // Encoded words are left alone; UTF-8 is text.
      {" =?utf-8?Q?J=C3=B6rg_=40_home?= <j@x>", {"j@x|=?utf-8?Q?J=C3=B6rg_=40_home?= <j@x>|j@x"}},
      {" J\xC3\xB6rg <j\xC3\xB6rg@b\xC3\xBC.example>",
       {"j\xC3\xB6rg@b\xC3\xBC.example|J\xC3\xB6rg <j\xC3\xB6rg@b\xC3\xBC.example>|j\xC3\xB6rg@b\xC3\xBC.example"}},
      {" postmaster, Postmaster <postmaster>",
       {"postmaster|postmaster|postmaster", "postmaster|Postmaster <postmaster>|postmaster"}},
      {"", {}},
      {" (nobody)", {}},
      {" ,", {}},
  }));
  CAPTURE(std::string(row.body));
  CHECK(read(row.body) == row.found);
}

TEST_CASE("address lists that another reader could understand otherwise") {
  struct Row {
    const char* body;
    const char* error;
  };
  const Row row = GENERATE(values<Row>({
      {"joe", "has the address \"joe\", which has no domain"},
      {"joe@", "has an address without a domain"},
      {"@x", "has \"@\" in a wrong place"},
      {"a@x b@y", "has no comma before \"b\""},
      {"a@x <b@y>", "has no comma before \"<\""},
      {"<a@x> <b@y>", "has no comma before \"<\""},
      {"<a@x> Joe", "has no comma before \"Joe\""},
      {"a b@x", "has no comma before \"b\""},
      {"\"a\" \"b\"@x", "has no comma before \"\"b\"\""},
      {"a@x; b@y", "has no comma before \";\""},
      {";", "has \";\" in a wrong place"},
      {"a@x@y", "has no comma before \"@\""},
      {"Doe, Joe <joe@x>", "has the address \"Doe\", which has no domain"},
      {"=?utf-8?Q?Doe,_Joe?= <joe@x>", "has the address \"=?utf-8?Q?Doe\", which has no domain"},
      {"Joe <joe@x", "has an angle bracket that does not end after its address"},
      {"Joe <joe@x, b@y>", "has an angle bracket that does not end after its address"},
      {"Joe <>", "has an empty address"},
      {"Joe <<joe@x>>", "has an empty address"},
      {"Joe <@a joe@x>", "has a source route that does not end"},
      {"Joe <@:joe@x>", "has a source route without a domain"},
      {"\"Joe <joe@x>", "has quotes that do not end"},
      {"Joe\\", "has the address \"Joe\", which has no domain"},
      {"\"Joe\\", "has quotes that do not end"},
      {"(Joe joe@x", "has a comment that does not end"},
      {"joe@x (a (b)", "has a comment that does not end"},
      {"joe@x (a\\", "has a comment that does not end"},
      {"joe@x )", "has no comma before \")\""},
      {"a@[192.0.2.1", "has an address literal that does not end"},
      {"[x]@y", "has \"[x]\" in a wrong place"},
      {"a@[x<y]", "has the address \"a@[x<y]\", which has a malformed domain"},
      {"a@x..y", "has no comma before \".\""},
      {"team: a@x", "has a group that does not end"},
      {"team: a: b@x;;", "has \":\" in a wrong place"},
      {": a@x;", "has \":\" in a wrong place"},
      {"team: a@x; b@x", "has no comma before \"b\""},
      {"https://x", "has the address \"//x\", which has no domain"},
      {"a\x01@x", "has a control character"},
      {"a@x\x7F", "has a control character"},
      {"\"a\tb\"@x", "has the address \"\"a b\"@x\", which holds a control character"},
  }));
  CAPTURE(std::string(row.body));
  const auto list = parse_mailbox_list(row.body);
  REQUIRE_FALSE(list);
  CHECK(list.error() == row.error);
}

TEST_CASE("a mailbox tells whether it is in a group") {
  const auto list = parse_mailbox_list("team: a@x;, b@x");
  REQUIRE(list);
  REQUIRE(list->size() == 2);
  CHECK((*list)[0].in_group);
  CHECK_FALSE((*list)[1].in_group);
}

TEST_CASE("the display name of a mailbox") {
  const auto name = [](std::string_view body) {
    const Mailbox mailbox = parse_mailbox_list(body)->at(0);
    return std::string(body.substr(mailbox.begin, mailbox.name_end - mailbox.begin));
  };
  CHECK(name(" \"Joe\" Q. (the other) Public (x) <a@x>") == "\"Joe\" Q. (the other) Public");
  CHECK(name(" (x) <a@x>").empty());
  CHECK(name(" a@x (Joe)").empty());
}

TEST_CASE("an endless list is read in one pass") {
  std::string body;
  for (int i = 0; i < 20000; ++i)
    body += "((()))a@x,";
  CHECK(parse_mailbox_list(body)->size() == 20000);
  CHECK_FALSE(parse_mailbox_list(std::string(200000, '(')));
  CHECK_FALSE(parse_mailbox_list(std::string(200000, '<')));
}

}  // namespace
}  // namespace relaypipe
