// The name in EHLO where none is configured.
#include "config/ehlo_name.h"

#include "catch.h"

using namespace relaypipe;

TEST_CASE("a name without a dot is completed from the files of the machine, and never guessed", "[ehlo]") {
  CHECK(qualified_name("mail.example.com", "127.0.1.1 other.example.com mail", "") == "mail.example.com");
  CHECK(qualified_name("mail", "# 1 mail.comment\n127.0.0.1 localhost\n127.0.1.1\tmail.example.com mail # x\n", "") ==
        "mail.example.com");
  CHECK(qualified_name("mail", "127.0.1.1 mail mail.example.com", "") == "mail.example.com");
  CHECK(qualified_name("Mail", "127.0.1.1 MAIL.example.com Mail", "") == "MAIL.example.com");
  CHECK(qualified_name("vm", "127.0.0.1 localhost.localdomain localhost vm", "") == "vm");
  CHECK(qualified_name("vm", "127.0.0.1 vmx.example.com vm", "") == "vm");
  CHECK(qualified_name("vm", "127.0.0.1 vm.\n127.0.0.1", "") == "vm");
  CHECK(qualified_name("vm", "", "vm.example.com\n") == "vm.example.com");
  CHECK(qualified_name("vm", "", "example.com\n") == "vm");
  CHECK(qualified_name("vm", "", "vm.b\xC3\xBC.example\n") == "vm");
  CHECK(qualified_name("vm", "127.0.0.1 vm.one.example", "vm.two.example") == "vm.one.example");
}

TEST_CASE("names that relays refuse are told", "[ehlo]") {
  for (const char* const name : {"vm", "localhost", "3f2a9c0d1e4b", "vm.localdomain", "LOCALHOST.LOCALDOMAIN"}) {
    INFO(name);
    CHECK(ehlo_name_problem(name).value_or("").find("hostname = ") != std::string::npos);
  }
  for (const char* const name : {"mail.example.com", "[192.0.2.1]", "[IPv6:2001:db8::1]"}) {
    INFO(name);
    CHECK_FALSE(ehlo_name_problem(name));
  }
}
