#include "verdict/fitness.h"

#include "catch.h"

namespace relaypipe {
namespace {

Envelope from_to(const char* sender, std::initializer_list<const char*> recipients) {
  Envelope envelope;
  envelope.sender = *parse_sender(sender);
  for (const char* recipient : recipients)
    envelope.recipients.push_back(*parse_address(recipient));
  return envelope;
}

Capabilities with_limit(std::optional<std::uint64_t> limit) {
  Capabilities relay;
  relay.size = true;
  relay.size_limit = limit;
  return relay;
}

TEST_CASE("a message larger than the announced SIZE does not fit") {
  ContentFacts content;
  content.size = 1000;
  content.wire = 2000;    // what counts is RFC 1870's size, without dot-stuffing
  content.octets = 3000;  // and not what was read
  const Envelope envelope = from_to("s@example.com", {"r@example.org"});
  CHECK_FALSE(find_unsupported(envelope, content, {}));
  CHECK_FALSE(find_unsupported(envelope, content, with_limit(std::nullopt)));
  CHECK_FALSE(find_unsupported(envelope, content, with_limit(1000)));
  CHECK_FALSE(find_unsupported(envelope, content, with_limit(1001)));
  const auto unfit = find_unsupported(envelope, content, with_limit(999));
  REQUIRE(unfit);
  CHECK(unfit->why == Unsupported::Why::TooBig);
  CHECK(unfit->size == 1000);
  CHECK(unfit->limit == 999);
}

TEST_CASE("the administrator's own limit counts beside the announced one") {
  ContentFacts content;
  content.size = 1000;
  const Envelope envelope = from_to("s@example.com", {"r@example.org"});
  CHECK_FALSE(find_unsupported(envelope, content, {}, 1000));
  CHECK(find_unsupported(envelope, content, {}, 999)->limit == 999);
  CHECK(find_unsupported(envelope, content, with_limit(2000), 999)->limit == 999);
  CHECK(find_unsupported(envelope, content, with_limit(500), 2000)->limit == 500);
}

TEST_CASE("an internationalized address needs SMTPUTF8, internationalized content does not") {
  Capabilities utf8;
  utf8.smtputf8 = true;
  const auto misfits = [&](const Envelope& envelope) {
    CHECK_FALSE(find_unsupported(envelope, {}, utf8));
    const auto unfit = find_unsupported(envelope, {}, {});
    return unfit && unfit->why == Unsupported::Why::NoSmtpUtf8;
  };
  CHECK(misfits(from_to("\xc3\xa4@example.com", {"r@example.org"})));
  CHECK(misfits(from_to("s@\xc3\xa4.example", {"r@example.org"})));
  CHECK(misfits(from_to("", {"r@example.org", "r@\xc3\xa4.example"})));
  CHECK_FALSE(misfits(from_to("", {"r@example.org"})));
  CHECK_FALSE(misfits(from_to("s@xn--4ca.example", {"r@example.org"})));
  ContentFacts content;
  content.eight_bit_body = true;
  CHECK_FALSE(find_unsupported(from_to("s@example.com", {"r@example.org"}), content, {}));
}

}  // namespace
}  // namespace relaypipe
