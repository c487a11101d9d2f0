// A nexthop is what an administrator typed and Postfix handed over: any octets.
#include <string>

#include "fuzz.h"
#include "relay/address_pattern.h"
#include "relay/destination.h"
#include "relay/host.h"

namespace {

using namespace relaypipe;

void check(const Destination& destination) {
  must(destination.port > 0, "a destination has a port", destination.text);
  must(!destination.text.empty(), "a destination has its text");
  // Only a provider's interface may leave its host to the table of providers.
  must(!destination.host.empty() || destination.https, "a destination has a host", destination.text);
  must(destination.literal == address_version(destination.host).has_value(), "a literal is an address",
       destination.text);
  must(destination.host.empty() || destination.literal || !host_name_problem(destination.host), "a host is well-formed",
       destination.host);
  const auto again = parse_nexthop(destination.text, fuzzed_port);
  must(again && again->size() == 1 && again->front() == destination, "a destination reads itself back",
       destination.text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto destinations = parse_nexthop(text, fuzzed_port);
  if (destinations) {
    must(!destinations->empty(), "a list has a destination", text);
    for (const Destination& destination : *destinations) {
      check(destination);
    }
  } else {
    must_be_line(destinations.error());
  }
  // The other grammar that people write by hand.
  const auto pattern = parse_address_pattern(text);
  if (!pattern) {
    must_be_line(pattern.error());
    return 0;
  }
  const bool whole = text == "<>" || text.front() != '@';
  must(!whole || pattern->matches(text == "<>" ? "" : text), "a pattern matches its own address", text);
  must(pattern->matches("user" + text) == (text.front() == '@' && text[1] != '.'), "a domain matches its addresses",
       text);
  return 0;
}
