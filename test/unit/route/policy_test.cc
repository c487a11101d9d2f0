#include "route/policy.h"

#include "catch.h"

namespace relaypipe {
namespace {

const ServicePort kNoService = [](std::string_view) { return std::nullopt; };

Configuration with_chain() {
  Configuration configuration;
  ChainConfig chain;
  chain.name = "backup";
  configuration.chains.emplace("backup", chain);
  return configuration;
}

Result<PolicyDecision, std::string> read(const std::string& answer) {
  return parse_policy_answer(answer, with_chain(), kNoService);
}

TEST_CASE("a request holds Postfix's attributes and ends in an empty line") {
  Envelope envelope;
  envelope.queue_id = "4Xyz";
  envelope.sender = *parse_sender("a@example.com");
  envelope.recipients.push_back(*parse_address("b@example.net"));
  envelope.announced_size = 1234;
  envelope.client.address = "192.0.2.1";
  envelope.client.sasl_username = "joe\nrequest=evil";
  const std::string request = policy_request(envelope, "outbound");
  CHECK(request.find("request=smtpd_access_policy\n") == 0);
  CHECK(request.find("\nsender=a@example.com\n") != std::string::npos);
  CHECK(request.find("\nrecipient=b@example.net\n") != std::string::npos);
  CHECK(request.find("\nqueue_id=4Xyz\n") != std::string::npos);
  CHECK(request.find("\nsize=1234\n") != std::string::npos);
  CHECK(request.find("\nclient_address=192.0.2.1\n") != std::string::npos);
  CHECK(request.find("\nrelaypipe_nexthop=outbound\n") != std::string::npos);
  // A value cannot bring an attribute of its own, nor end the request.
  CHECK(request.find("\nsasl_username=joe request=evil\n") != std::string::npos);
  CHECK(request.find("\n\n") == request.size() - 2);
}

TEST_CASE("with several recipients only their number is told") {
  Envelope envelope;
  for (const char* text : {"b@example.net", "c@example.net"})
    envelope.recipients.push_back(*parse_address(text));
  const std::string request = policy_request(envelope, "outbound");
  CHECK(request.find("\nrecipient=\n") != std::string::npos);
  CHECK(request.find("\nrecipient_count=2\n") != std::string::npos);
}

TEST_CASE("answers that leave the chain as it is") {
  for (const char* answer : {"action=DUNNO\n\n", "action=dunno\n\n", "action=OK\r\n\r\n", "x=y\nAction= DUNNO \n\n"}) {
    CAPTURE(answer);
    const auto decision = read(answer);
    REQUIRE(decision);
    CHECK(std::holds_alternative<UseChain>(*decision));
  }
}

TEST_CASE("answers that choose a chain or a list") {
  for (const char* nexthop : {"backup", "[mail.example.com]:587", "[a.example]:587, [b.example]:587", "example.com"}) {
    CAPTURE(nexthop);
    const auto decision = read("action=" + std::string(nexthop) + "\n\n");
    REQUIRE(decision);
    const auto* use = std::get_if<UseNexthop>(&*decision);
    REQUIRE(use != nullptr);
    CHECK(use->nexthop == nexthop);
  }
}

TEST_CASE("answers that stop the delivery") {
  struct Row {
    const char* answer;
    EnhancedStatus status;
    const char* text;
  };
  const Row rows[] = {{"action=DEFER 4.7.0 come later\n\n", {4, 7, 0}, "come later"},
                      {"action=DEFER\n\n", {4, 7, 1}, "refused by policy"},
                      {"action=defer_if_permit busy\n\n", {4, 7, 1}, "busy"},
                      {"action=REJECT 5.7.26 no\n\n", {5, 7, 26}, "no"},
                      {"action=REJECT 4.7.0 wrong class\n\n", {5, 7, 1}, "wrong class"}};
  for (const Row& row : rows) {
    CAPTURE(row.answer);
    const auto decision = read(row.answer);
    REQUIRE(decision);
    const auto* stop = std::get_if<Stop>(&*decision);
    REQUIRE(stop != nullptr);
    CHECK(stop->status == row.status);
    CHECK(stop->text == row.text);
  }
}

TEST_CASE("broken answers are told, and decide nothing") {
  for (const char* answer : {"", "\n", "action=DUNNO", "hello\n\n", "action=\n\n", "action=bakcup\n\n",
                             "action=PREPEND X: y\n\n", "action=[mail.example.com:587\n\n"}) {
    CAPTURE(answer);
    CHECK_FALSE(read(answer));
  }
}

}  // namespace
}  // namespace relaypipe
