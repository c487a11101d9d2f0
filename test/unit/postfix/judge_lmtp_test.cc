#include "postfix/judge_lmtp.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "catch.h"

namespace relaypipe {
namespace {

using Catch::Matchers::ContainsSubstring;
using Severity = PostfixFinding::Severity;

constexpr std::string_view kColumns = "relaypipe-lmtp unix - n n - 20 ";
constexpr std::string_view kCommand = "spawn user=relaypipe argv=/usr/bin/relaypipe lmtp --nexthop outbound";

/// Postfix's defaults but for what master.cf.example says.
LmtpFacts good_facts() {
  LmtpFacts facts;
  facts.compatibility = 3;
  facts.deadline = std::chrono::minutes(15);
  facts.longest_use = std::chrono::seconds(400);
  facts.time_limit = "3600s";
  facts.process_limit = "100";
  facts.values = {{"lmtp_send_xforward_command", "yes"},
                  {"lmtp_address_verify_target", "rcpt"},
                  {"lmtp_destination_recipient_limit", "50"},
                  {"lmtp_destination_concurrency_limit", "20"},
                  {"lmtp_connection_reuse_time_limit", "300s"},
                  {"lmtp_connection_cache_destinations", "private/relaypipe-lmtp"},
                  {"lmtp_assume_final", "no"},
                  {"lmtp_data_done_timeout", "1200s"}};
  facts.user = PipeUser{"relaypipe", "relaypipe", 999, 999};
  facts.owner = PostfixOwner{"postfix", 100, 101, 102};
  return facts;
}

std::vector<PostfixFinding> findings_of(const std::string& line, const LmtpFacts& facts) {
  const auto services = parse_master(line);
  REQUIRE(services.size() == 1);
  const auto command = parse_spawn_command(services.front());
  REQUIRE(command);
  return judge_lmtp_service(services.front(), *command, facts);
}

std::string good_line() { return std::string(kColumns) + std::string(kCommand); }

std::string changed(std::string_view from, std::string_view to) {
  std::string line = good_line();
  const std::size_t at = line.find(from);
  REQUIRE(at != line.npos);
  return line.replace(at, from.size(), to);
}

TEST_CASE("a spawn(8) service that runs us is known by its first argument") {
  const auto runs = [](std::string_view command) {
    const auto services = parse_master(std::string(kColumns) + std::string(command));
    REQUIRE(services.size() == 1);
    const auto spawned = parse_spawn_command(services.front());
    return spawned && runs_lmtp(*spawned);
  };
  CHECK(runs(kCommand));
  CHECK(runs("spawn -v user=u argv=/x/relaypipe-new lmtp"));
  CHECK_FALSE(runs("spawn user=u argv=/x/relaypipe plan"));
  CHECK_FALSE(runs("spawn user=u argv=/x/relaypipe"));
  CHECK_FALSE(runs("spawn user=u argv=/x/policy lmtp"));
  CHECK_FALSE(runs("pipe user=u argv=/x/relaypipe lmtp"));
  CHECK_FALSE(runs("spawn user=u"));
  const auto command = parse_spawn_command(parse_master(good_line()).front());
  CHECK(command->text() == kCommand);
}

TEST_CASE("the exemplary LMTP service is faultless") { CHECK(findings_of(good_line(), good_facts()).empty()); }

TEST_CASE("what is wrong in the line of master.cf") {
  struct Row {
    std::string_view from;
    std::string_view to;
    std::string_view text;
    std::string_view fix;
    Severity severity = Severity::Error;
  };
  const Row row = GENERATE(
      Row{"- n n", "- - n", "unpriv is - and has to be n: spawn(8) does not start",
          "postconf -F relaypipe-lmtp/unix/unprivileged=n"},
      Row{"- n n", "- n y", "chroot is y and has to be n", "postconf -F relaypipe-lmtp/unix/chroot=n"},
      Row{"relaypipe-lmtp unix - n n", "10.0.0.1:24 inet n n n", "whoever reaches this port", ""},
      Row{"relaypipe-lmtp unix - n n", "127.0.0.1:24 inet n n n", "everybody on this machine", "", Severity::Warning},
      Row{"user=relaypipe", "", "user is missing: spawn(8) does not start", " user=relaypipe argv="},
      Row{" --nexthop outbound", "", "argv has no --nexthop NAME", ""},
      Row{"outbound", "${nexthop}", "argv has ${nexthop}: spawn(8) puts nothing in its place", ""},
      Row{"- 20", "- 10", "maxproc is 10, lmtp_destination_concurrency_limit is 20",
          "postconf -F relaypipe-lmtp/unix/process_limit=20", Severity::Warning});
  CAPTURE(std::string(row.from), std::string(row.to));
  const auto findings = findings_of(changed(row.from, row.to), good_facts());
  REQUIRE(findings.size() == 1);
  CHECK_THAT(findings[0].text, ContainsSubstring(std::string(row.text)));
  CHECK_THAT(findings[0].fix, ContainsSubstring(std::string(row.fix)));
  CHECK(findings[0].fix.empty() == row.fix.empty());
  CHECK(findings[0].severity == row.severity);
}

TEST_CASE("what is wrong in main.cf") {
  struct Row {
    std::string_view parameter;
    std::string_view value;
    std::string_view text;
    std::string_view fix;
    Severity severity = Severity::Warning;
  };
  const Row row = GENERATE(
      Row{"lmtp_send_xforward_command", "no", "no: relaypipe is told neither queue ids",
          "postconf -e lmtp_send_xforward_command=yes"},
      Row{"lmtp_address_verify_target", "data", "data: address probes", "postconf -e lmtp_address_verify_target=rcpt",
          Severity::Error},
      Row{"lmtp_destination_recipient_limit", "1", "1: a message to many",
          "postconf -e lmtp_destination_recipient_limit=50"},
      Row{"lmtp_discard_lhlo_keywords", "dsn, PIPELINING", "dsn, PIPELINING: each recipient", ""},
      Row{"lmtp_discard_lhlo_keywords", "smtputf8", "smtputf8: mail with addresses", "", Severity::Error},
      Row{"lmtp_assume_final", "yes", "yes: mail that was relayed", "postconf -e lmtp_assume_final=no"},
      Row{"lmtp_connection_cache_destinations", "", "empty: private/relaypipe-lmtp is not in it",
          "postconf -e lmtp_connection_cache_destinations=private/relaypipe-lmtp"},
      Row{"lmtp_connection_cache_destinations", "example.com", "example.com: private/relaypipe-lmtp is not in it",
          "postconf -e lmtp_connection_cache_destinations=example.com,private/relaypipe-lmtp"},
      Row{"lmtp_data_done_timeout", "600s", "600s, the deadline of relaypipe is 15m: lmtp(8) gives up",
          "postconf -e lmtp_data_done_timeout=960s", Severity::Error});
  CAPTURE(std::string(row.parameter));
  LmtpFacts facts = good_facts();
  std::erase_if(facts.values, [&](const PostfixPair& pair) { return pair.name == row.parameter; });
  facts.values.push_back({std::string(row.parameter), std::string(row.value)});
  const auto findings = findings_of(good_line(), facts);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].where == row.parameter);
  CHECK_THAT(findings[0].text, Catch::Matchers::StartsWith(std::string(row.text)));
  CHECK(findings[0].fix == row.fix);
  CHECK(findings[0].severity == row.severity);
}

TEST_CASE("the judge asks for each parameter it looks at") {
  const auto names = lmtp_parameters("lmtp");
  for (const PostfixPair& pair : good_facts().values)
    CHECK(std::find(names.begin(), names.end(), pair.name) != names.end());
}

TEST_CASE("a process may live as long as a connection is used, and its last message takes") {
  LmtpFacts facts = good_facts();
  facts.time_limit = "1259s";
  auto findings = findings_of(good_line(), facts);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].severity == Severity::Error);
  CHECK_THAT(findings[0].text, ContainsSubstring("relaypipe-lmtp_time_limit is 1259s"));
  CHECK(findings[0].fix == "postconf -e relaypipe-lmtp_time_limit=3600s");
  facts.time_limit = "1260s";
  CHECK(findings_of(good_line(), facts).empty());
  facts.deadline = std::chrono::hours(2);
  facts.values.insert(facts.values.begin(), {"lmtp_data_done_timeout", "3h"});
  findings = findings_of(changed("spawn", "spawn -o relaypipe-lmtp_time_limit=60"), facts);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].fix == "postconf -P relaypipe-lmtp/unix/relaypipe-lmtp_time_limit=7560s");
}

TEST_CASE("a process takes messages for its own time at most, however long lmtp(8) would use its connection") {
  LmtpFacts facts = good_facts();
  facts.values.insert(facts.values.begin(), {"lmtp_connection_reuse_time_limit", "1h"});
  facts.time_limit = "1359s";
  const auto findings = findings_of(good_line(), facts);
  REQUIRE(findings.size() == 1);
  CHECK_THAT(findings[0].text, ContainsSubstring("a connection is used again for 400s"));
  facts.time_limit = "1360s";
  CHECK(findings_of(good_line(), facts).empty());
}

TEST_CASE("the parameters of a client of another name, each fixed where its value comes from") {
  LmtpFacts facts = good_facts();
  facts.client = "mailbox";
  for (PostfixPair& pair : facts.values) {
    if (pair.name.starts_with("lmtp_destination_")) pair.name.replace(0, 4, "mailbox");
  }
  CHECK(findings_of(good_line(), facts).empty());
  const auto names = lmtp_parameters("mailbox");
  CHECK(std::find(names.begin(), names.end(), "mailbox_destination_recipient_limit") != names.end());
  CHECK(std::find(names.begin(), names.end(), "lmtp_send_xforward_command") != names.end());

  facts.values.insert(facts.values.begin(), {{"mailbox_destination_recipient_limit", "1"},
                                             {"lmtp_send_xforward_command", "no"},
                                             {"lmtp_connection_cache_destinations", "a.example b.example"}});
  facts.holders = {{"mailbox_destination_recipient_limit", "qmgr/unix"},
                   {"lmtp_connection_cache_destinations", "mailbox/unix"}};
  std::vector<std::string> fixes;
  for (const PostfixFinding& finding : findings_of(good_line(), facts))
    fixes.push_back(finding.fix);
  CHECK(fixes ==
        std::vector<std::string>{"postconf -e lmtp_send_xforward_command=yes",
                                 "postconf -P qmgr/unix/mailbox_destination_recipient_limit=50",
                                 "postconf -P mailbox/unix/"
                                 "lmtp_connection_cache_destinations=a.example,b.example,private/relaypipe-lmtp"});
}

TEST_CASE("what is wrong in the command is fixed by one line, whose settings come behind the name of the command") {
  LmtpFacts facts = good_facts();
  facts.misplaced = {{"patience", "3s"}};
  facts.ehlo_name = "localhost.localdomain";
  facts.postfix_name = "mail.example.com";
  const auto findings = findings_of(changed("spawn user=relaypipe", "spawn -o patience=3s"), facts);
  REQUIRE(findings.size() == 3);
  for (const PostfixFinding& finding : findings) {
    CHECK(finding.fix ==
          "postconf -F 'relaypipe-lmtp/unix/command=spawn user=relaypipe argv=/usr/bin/relaypipe lmtp -o "
          "hostname=mail.example.com -o patience=3s --nexthop outbound'");
  }
  CHECK_THAT(findings[0].text, ContainsSubstring("user is missing"));
  CHECK_THAT(findings[1].text, ContainsSubstring("-o patience stands before argv="));
  CHECK_THAT(findings[2].text, ContainsSubstring("the EHLO name is localhost.localdomain"));
}

TEST_CASE("as many processes as deliveries") {
  LmtpFacts facts = good_facts();
  CHECK(findings_of(changed("- 20", "- 0"), facts).empty());
  CHECK(findings_of(changed("- 20", "- -"), facts).empty());
  facts.process_limit = "10";
  CHECK(findings_of(changed("- 20", "- -"), facts).size() == 1);
  facts.values.insert(facts.values.begin(), {"lmtp_destination_concurrency_limit", "0"});
  const auto findings = findings_of(good_line(), facts);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].fix == "postconf -e lmtp_destination_concurrency_limit=20");
}

TEST_CASE("where connections that are kept are named") {
  LmtpFacts facts = good_facts();
  const auto keeping = [&](std::string_view destinations, const std::string& line) {
    facts.values.insert(facts.values.begin(), {"lmtp_connection_cache_destinations", std::string(destinations)});
    return findings_of(line, facts).size();
  };
  CHECK(keeping("a.example, private/relaypipe-lmtp", good_line()) == 0);
  CHECK(keeping("static:all", good_line()) == 0);
  CHECK(keeping("/etc/postfix/kept", good_line()) == 0);
  CHECK(keeping("private/relaypipe-lmtp", changed("unix - n n", "unix n n n")) == 1);
  CHECK(keeping("public/relaypipe-lmtp", changed("unix - n n", "unix n n n")) == 0);
}

TEST_CASE("a user that spawn(8) refuses, or that this machine does not have") {
  LmtpFacts facts = good_facts();
  facts.user = PipeUser{"root", "root", 0, 0};
  auto findings = findings_of(good_line(), facts);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].text == "user=relaypipe: spawn(8) refuses to run it as root");
  CHECK_THAT(findings[0].fix, ContainsSubstring("postconf -F 'relaypipe-lmtp/unix/command=spawn user=relaypipe argv="));
  facts.user.reset();
  findings = findings_of(good_line(), facts);
  REQUIRE(findings.size() == 1);
  CHECK_THAT(findings[0].fix, Catch::Matchers::StartsWith("adduser "));
}

}  // namespace
}  // namespace relaypipe
