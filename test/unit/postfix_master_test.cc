#include "config/postfix_master.h"

#include "catch.h"
#include "config/agent_argv.h"
#include "config/judge_service.h"

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

std::vector<PostfixFinding> judged(const std::string& columns, const std::string& text, const ServiceFacts& facts) {
  const auto services = parse_master("relaypipe unix " + columns + " - 20 " + text);
  REQUIRE(services.size() == 1);
  return judge_service(services.front(), command_of(text), facts);
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

TEST_CASE("a mended argv has nothing wrong, and mending it again changes nothing", "[agent_argv]") {
  const auto words = GENERATE(std::vector<std::string>{"/x"}, std::vector<std::string>{"/x", "-f"},
                              std::vector<std::string>{"/x", "-f${sender}", "$recipient"},
                              std::vector<std::string>{"/x", "--size", "7", "--nexthop", "x$y", "--", "a@b.example"},
                              std::vector<std::string>{"/x", "--queue-id", "$queue_id", "-f", "a", "-f", "b"});
  const AgentArgv mended = mended_agent_argv(parse_agent_argv(words));
  CHECK(judge_agent_argv(mended).empty());
  CHECK_FALSE(judge_agent_argv(parse_agent_argv(words)).empty());
  CHECK(mended_agent_argv(parse_agent_argv(mended.words())).words() == mended.words());
}

TEST_CASE("the exemplary service is faultless", "[judge_service]") {
  CHECK(judged("- n n", kGood, good_facts()).empty());
  CHECK(judged("- n -", kGood, good_facts()).empty());
}

TEST_CASE("the time limit has to leave a minute after the deadline", "[judge_service]") {
  ServiceFacts facts = good_facts();
  facts.time_limit = "959s";
  const auto findings = judged("- n n", kGood, facts);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].mend == "postconf -e relaypipe_time_limit=3600s");
  facts.time_limit = "nonsense";
  CHECK(judged("- n n", kGood, facts).size() == 1);
}

TEST_CASE("every finding of the command has the same line, which mends all of them", "[judge_service]") {
  const auto findings =
      judged("- n n", "pipe flags=DR user=relaypipe argv=/usr/bin/relaypipe --nexthop outbound -f$sender $recipient",
             good_facts());
  REQUIRE(findings.size() >= 6);
  for (const PostfixFinding& finding : findings)
    CHECK(finding.mend == findings.front().mend);
  CHECK(findings.front().mend ==
        "postconf -F 'relaypipe/unix/command=pipe flags=q user=relaypipe null_sender= argv=/usr/bin/relaypipe "
        "--queue-id ${queue_id} --size ${size} --nexthop outbound -f ${sender} -- $recipient'");
}

TEST_CASE("users that pipe(8) refuses", "[judge_service]") {
  ServiceFacts facts = good_facts();
  facts.user = GENERATE(PipeUser{"root", "root", 0, 0}, PipeUser{"x", "root", 5, 0}, PipeUser{"postfix", "x", 100, 7},
                        PipeUser{"x", "postfix", 5, 101}, PipeUser{"x", "postdrop", 5, 102});
  CHECK(judged("- n n", kGood, facts).size() == 1);
}
