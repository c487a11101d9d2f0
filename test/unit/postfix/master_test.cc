#include "postfix/master.h"

#include "catch.h"
#include "postfix/agent_argv.h"
#include "postfix/judge_service.h"

using namespace relaypipe;

namespace {

PipeCommand command_of(const std::string& text) {
  const auto services = parse_master("relaypipe unix - n n - 20 " + text);
  REQUIRE(services.size() == 1);
  auto command = parse_pipe_command(services.front());
  REQUIRE(command);
  return *command;
}

ServiceFacts good_facts() {
  ServiceFacts facts;
  facts.compatibility = 3;
  facts.deadline = std::chrono::minutes(15);
  facts.recipient_limit = "1";
  facts.time_limit = "960s";
  facts.failures_deferred = true;
  facts.user = PipeUser{"relaypipe", "relaypipe", 999, 999};
  facts.owner = PostfixOwner{"postfix", 100, 101, 102};
  return facts;
}

std::vector<PostfixFinding> classified(const std::string& columns, const std::string& text, const ServiceFacts& facts) {
  const auto services = parse_master("relaypipe unix " + columns + " - 20 " + text);
  REQUIRE(services.size() == 1);
  return judge_service(services.front(), command_of(text), facts);
}

/// What is wrong with the exemplary command after one change, and the line that fixes it.
std::vector<PostfixFinding> changed(const std::string& from, const std::string& to, const ServiceFacts& facts) {
  std::string text = exemplary_command("/usr/bin/relaypipe").text();
  const std::size_t at = text.find(from);
  REQUIRE(at != text.npos);
  return classified("- n n", text.replace(at, from.size(), to), facts);
}

const std::string kGood = exemplary_command("/usr/bin/relaypipe").text();

}  // namespace

TEST_CASE("services of master.cf", "[postfix_master]") {
  const auto services = parse_master("smtp inet n - y - - smtpd\nshort unix - n\n\nlast unix - n n - 1 pipe argv=/x");
  REQUIRE(services.size() == 2);
  CHECK(services[0].key() == "smtp/inet");
  CHECK(services[0].is_private == "n");
  CHECK(services[0].chroot == "y");
  CHECK_FALSE(parse_pipe_command(services[0]));
  CHECK(services[1].process_limit == "1");
}

TEST_CASE("a command of pipe(8) is read and written", "[postfix_master]") {
  const std::string text =
      "pipe -v -o {a=b c} -o d=e flags=q {null_sender=x y} user=u argv=/usr/bin/relaypipe -f ${sender} user=z";
  PipeCommand command = command_of(text);
  CHECK(command.text() == text);
  CHECK(command.attribute("user") == "u");
  CHECK(command.attribute("null_sender") == "x y");
  CHECK_FALSE(command.attribute("size"));
  CHECK(runs_relaypipe(command));
  CHECK(command.has_option("a"));
  CHECK(command.has_option("d"));
  CHECK_FALSE(command.has_option("dd"));
  CHECK_FALSE(command.has_option("user"));
  command.set_option("a", "2");
  command.set_option("new", "3 4");
  command.set_attribute("null_sender", "");
  command.drop_attribute("flags");
  CHECK(command.text() ==
        "pipe -v -o a=2 -o d=e -o {new=3 4} null_sender= user=u argv=/usr/bin/relaypipe -f ${sender} user=z");
  CHECK_FALSE(runs_relaypipe(command_of("pipe argv=/usr/bin/maildrop relaypipe")));
}

TEST_CASE("argv in its parts", "[agent_argv]") {
  const std::vector<std::string> words = {"/x", "--size=${size}", "-v", "-o", "a=b", "-f", "--", "--",
                                          "-x", "${recipient}"};
  const AgentArgv argv = parse_agent_argv(words);
  CHECK(argv.words() == words);
  CHECK(argv.separator);
  REQUIRE(argv.find("-f") != nullptr);
  CHECK(argv.find("-f")->value == "--");  // the value of an option is the next word, whatever it looks like
  CHECK(argv.operands == std::vector<std::string>{"-x", "${recipient}"});
  CHECK(parse_agent_argv({"/x", "-f"}).words() == std::vector<std::string>{"/x", "-f"});
}

TEST_CASE("a fixed argv has nothing wrong, and fixing it again changes nothing", "[agent_argv]") {
  const auto words = GENERATE(std::vector<std::string>{"/x"}, std::vector<std::string>{"/x", "-f"},
                              std::vector<std::string>{"/x", "-f${sender}", "$recipient"},
                              std::vector<std::string>{"/x", "--size", "7", "--nexthop", "x$y", "--", "a@b.example"},
                              std::vector<std::string>{"/x", "--queue-id", "$queue_id", "-f", "a", "-f", "b"});
  const AgentArgv fixed = fixed_agent_argv(parse_agent_argv(words));
  CHECK(judge_agent_argv(fixed).empty());
  CHECK_FALSE(judge_agent_argv(parse_agent_argv(words)).empty());
  CHECK(fixed_agent_argv(parse_agent_argv(fixed.words())).words() == fixed.words());
}

TEST_CASE("the exemplary service is faultless", "[judge_service]") {
  CHECK(classified("- n n", kGood, good_facts()).empty());
  CHECK(classified("- n -", kGood, good_facts()).empty());
}

TEST_CASE("the time limit has to leave a minute after the deadline", "[judge_service]") {
  ServiceFacts facts = good_facts();
  facts.time_limit = "959s";
  const auto findings = classified("- n n", kGood, facts);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].fix == "postconf -e relaypipe_time_limit=3600s");
  facts.time_limit = "nonsense";
  CHECK(classified("- n n", kGood, facts).size() == 1);
}

TEST_CASE("every finding of the command has the same line, which fixes all of them", "[judge_service]") {
  const auto findings = classified(
      "- n n", "pipe flags=DR user=relaypipe argv=/usr/bin/relaypipe --nexthop outbound -f$sender $recipient",
      good_facts());
  REQUIRE(findings.size() >= 6);
  for (const PostfixFinding& finding : findings)
    CHECK(finding.fix == findings.front().fix);
  CHECK(findings.front().fix ==
        "postconf -F 'relaypipe/unix/command=pipe flags=q user=relaypipe null_sender= argv=/usr/bin/relaypipe "
        "--queue-id ${queue_id} --size ${size} --nexthop outbound -f ${sender} -- $recipient'");
}

TEST_CASE("users that pipe(8) refuses", "[judge_service]") {
  ServiceFacts facts = good_facts();
  facts.user = GENERATE(PipeUser{"root", "root", 0, 0}, PipeUser{"x", "root", 5, 0}, PipeUser{"postfix", "x", 100, 7},
                        PipeUser{"x", "postfix", 5, 101}, PipeUser{"x", "postdrop", 5, 102});
  CHECK(classified("- n n", kGood, facts).size() == 1);
}

TEST_CASE("pipe(8) is neither without privileges nor in a chroot", "[judge_service]") {
  struct Row {
    const char* columns;
    std::uint64_t compatibility;
    const char* text;  ///< the beginning of the finding; empty: none
    const char* fix;
  };
  const Row row = GENERATE(Row{"- y n", 3, "unpriv is y and has", "postconf -F relaypipe/unix/unprivileged=n"},
                           Row{"- - n", 3, "unpriv is - and has", "postconf -F relaypipe/unix/unprivileged=n"},
                           Row{"- n y", 3, "chroot is y and has", "postconf -F relaypipe/unix/chroot=n"},
                           Row{"- n -", 0, "chroot is -, which means y below compatibility_level 1, and has",
                               "postconf -F relaypipe/unix/chroot=n"},
                           Row{"- n -", 1, "", ""}, Row{"- n n", 0, "", ""});
  CAPTURE(row.columns, row.compatibility);
  ServiceFacts facts = good_facts();
  facts.compatibility = row.compatibility;
  const auto findings = classified(row.columns, kGood, facts);
  REQUIRE(findings.size() == (*row.text == '\0' ? 0 : 1));
  if (findings.empty()) return;
  CHECK(findings[0].severity == PostfixFinding::Severity::Error);
  CHECK_THAT(findings[0].text, Catch::Matchers::StartsWith(row.text));
  CHECK(findings[0].fix == row.fix);
}

TEST_CASE("flags of pipe(8) that change the message are told by the harm they do", "[judge_service]") {
  const auto [flags, error, text] = GENERATE(table<std::string, bool, std::string>({
      {"qR", false, "flags=qR: R adds Return-Path"},
      {"qRD", true, "flags=qRD: R adds Return-Path; D adds Delivered-To, and bounces mail that has it already"},
      {"qZ", true, "flags=qZ: Z is not a flag of pipe(8), which does not start"},
      {"", false, "flags has no q: addresses that need quotes arrive without them"},
  }));
  const auto findings = changed("flags=q", "flags=" + flags, good_facts());
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].text == text);
  CHECK((findings[0].severity == PostfixFinding::Severity::Error) == error);
  CHECK(findings[0].fix == "postconf -F " + shell_word("relaypipe/unix/command=" + kGood));
}

TEST_CASE("attributes that send bounces to a stranger or hide files are fixed in the command", "[judge_service]") {
  const auto [written, error, text] = GENERATE(table<std::string, bool, std::string>({
      {"null_sender=bounce@x.example", true, "null_sender is bounce@x.example and has to be empty"},
      {"null_sender=MAILER-DAEMON", false, "null_sender is not empty"},
      {"null_sender= chroot=/srv", false, "chroot=/srv: certificates"},
      {"null_sender= eol=\\r\\n", true, "eol=\\r\\n: relaypipe expects lines that end in LF"},
      {"null_sender= eol=", true, "eol=: relaypipe expects lines that end in LF"},
  }));
  const auto findings = changed("null_sender=", written, good_facts());
  REQUIRE(findings.size() == 1);
  CHECK_THAT(findings[0].text, Catch::Matchers::StartsWith(text));
  CHECK((findings[0].severity == PostfixFinding::Severity::Error) == error);
  CHECK(findings[0].fix == "postconf -F " + shell_word("relaypipe/unix/command=" + kGood));
  CHECK(changed("null_sender=", "null_sender= eol=\\n", good_facts()).empty());
}

TEST_CASE("a user that is missing, or that this machine does not have", "[judge_service]") {
  const auto missing = changed("user=relaypipe ", "", good_facts());
  REQUIRE(missing.size() == 1);
  CHECK(missing[0].text == "user is missing: pipe(8) does not start, all mail waits");
  CHECK_THAT(missing[0].fix, Catch::Matchers::ContainsSubstring(" user=relaypipe argv="));
  ServiceFacts facts = good_facts();
  facts.user.reset();
  const auto ours = classified("- n n", kGood, facts);
  REQUIRE(ours.size() == 1);
  CHECK(ours[0].text == "user=relaypipe: this machine has no such user or group; all mail waits");
  CHECK_THAT(ours[0].fix, Catch::Matchers::StartsWith("adduser --system --group "));
  // Somebody else's user is for a person to decide.
  const auto other = changed("user=relaypipe", "user=mailer:mail", facts);
  REQUIRE(other.size() == 1);
  CHECK(other[0].fix.empty());
  // Without Postfix's owner in sight only root is refused.
  facts.owner.reset();
  facts.user = PipeUser{"x", "x", 100, 101};
  CHECK(classified("- n n", kGood, facts).empty());
}

TEST_CASE("a request with several recipients is fixed where its limit stands", "[judge_service]") {
  ServiceFacts facts = good_facts();
  facts.recipient_limit = "50";
  auto findings = classified("- n n", kGood, facts);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].severity == PostfixFinding::Severity::Warning);
  CHECK_THAT(findings[0].text, Catch::Matchers::StartsWith("relaypipe_destination_recipient_limit is 50: "));
  CHECK(findings[0].fix == "postconf -e relaypipe_destination_recipient_limit=1");
  facts.recipient_limit_holder = "qmgr/unix";
  findings = classified("- n n", kGood, facts);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].fix == "postconf -P qmgr/unix/relaypipe_destination_recipient_limit=1");
  // As relaypipe.toml(5) says for graph and gmail.
  facts.header_relays = true;
  CHECK(classified("- n n", kGood, facts).empty());
}

TEST_CASE("relays that go by the header want all recipients at once", "[judge_service]") {
  ServiceFacts facts = good_facts();
  facts.header_relays = true;
  CHECK(classified("- n n", kGood, facts).empty());
  facts.header_chain = "outbound";
  auto findings = classified("- n n", kGood, facts);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].severity == PostfixFinding::Severity::Warning);
  CHECK_THAT(findings[0].text, Catch::Matchers::StartsWith("relaypipe_destination_recipient_limit is 1: the relays of "
                                                           "chain outbound write to whom the header"));
  CHECK(findings[0].fix == "postconf -e relaypipe_destination_recipient_limit=50");
  facts.recipient_limit_holder = "qmgr/unix";
  CHECK(classified("- n n", kGood, facts)[0].fix == "postconf -P qmgr/unix/relaypipe_destination_recipient_limit=50");
  facts.recipient_limit = "50";
  CHECK(classified("- n n", kGood, facts).empty());
}

TEST_CASE("a time limit in master.cf is fixed there, and in the line that fixes the command", "[judge_service]") {
  ServiceFacts facts = good_facts();
  facts.time_limit = "100s";
  facts.deadline = std::chrono::hours(2);
  const auto findings = changed("pipe ", "pipe -o {relaypipe_time_limit=100s} -o x=y ", facts);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].fix == "postconf -P relaypipe/unix/relaypipe_time_limit=7260s");  // the deadline and a minute
  const auto two = changed("pipe ", "pipe -o relaypipe_time_limit=100s -v eol=x ", facts);
  REQUIRE(two.size() == 2);
  CHECK_THAT(two[0].fix, Catch::Matchers::ContainsSubstring("pipe -o relaypipe_time_limit=7260s -v "));
}

TEST_CASE("a filter that lets the death of the program bounce gets ours before it", "[judge_service]") {
  ServiceFacts facts = good_facts();
  facts.failures_deferred = false;
  facts.filter = "pcre:/etc/postfix/filter";
  const auto findings = changed("flags=q", "flags=q", facts);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].severity == PostfixFinding::Severity::Error);
  CHECK_THAT(findings[0].text, Catch::Matchers::StartsWith("pipe_delivery_status_filter does not defer "));
  CHECK_THAT(findings[0].fix, Catch::Matchers::ContainsSubstring(" 4.3.0 $$1 } }, pcre:/etc/postfix/filter} flags=q"));
  facts.filter.clear();
  CHECK(classified("- n n", kGood, facts).at(0).fix == "postconf -F " + shell_word("relaypipe/unix/command=" + kGood));
}
