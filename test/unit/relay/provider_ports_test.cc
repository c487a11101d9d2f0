#include "relay/provider_ports.h"

#include <algorithm>
#include <string>

#include "catch.h"
#include "relay/provider.h"

namespace relaypipe {
namespace {

bool has_port(std::string_view provider, ProviderPort port) {
  const ProviderPorts* const found = find_provider_ports(provider);
  return found != nullptr && std::find(found->ports.begin(), found->ports.end(), port) != found->ports.end();
}

TEST_CASE("the other ports of providers") {
  for (const char* const name : {"brevo", "mailgun", "mailjet", "postmark", "sendgrid", "smtp2go", "sparkpost"}) {
    CAPTURE(std::string(name));
    CHECK(has_port(name, {2525}));
  }
  for (const char* const name : {"resend", "scaleway", "ses"}) {
    CAPTURE(std::string(name));
    CHECK(has_port(name, {2587}));
    CHECK(has_port(name, {2465, true}));
  }
  CHECK(find_provider_ports("cpanel") == nullptr);
  CHECK(find_provider_ports("") == nullptr);
}

TEST_CASE("every row is a provider's, with its evidence, and each port once") {
  for (const ProviderPorts& row : provider_ports()) {
    CAPTURE(std::string(row.provider));
    CHECK(find_provider(row.provider) != nullptr);
    CHECK_FALSE(row.source.empty());
    CHECK_FALSE(row.ports.empty());
    for (const ProviderPort& port : row.ports) {
      const auto same = [&](const ProviderPort& other) { return other.port == port.port; };
      CHECK(std::count_if(row.ports.begin(), row.ports.end(), same) == 1);
      CHECK(port.implicit_tls == (port.port == 465 || port.port == 2465));
    }
  }
  CHECK(std::is_sorted(provider_ports().begin(), provider_ports().end(),
                       [](const auto& a, const auto& b) { return a.provider < b.provider; }));
}

}  // namespace
}  // namespace relaypipe
