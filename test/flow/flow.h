#pragma once

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "catch.h"
#include "deliver/deliver.h"
#include "fake/fake_world.h"
#include "relay/destination.h"
#include "route/plan.h"

namespace relaypipe::flow {

using namespace std::chrono_literals;

inline constexpr std::string_view kContent = "Subject: a test\n\nHello.\n.dot\n";
inline constexpr std::string_view kWire = "Subject: a test\r\n\r\nHello.\r\n..dot\r\n";
inline constexpr const char* kFirst = "192.0.2.1:587";
inline constexpr const char* kSecond = "192.0.2.2:587";
inline constexpr const char* kThird = "192.0.2.3:587";
inline constexpr const char* kTwo = "[192.0.2.1]:587, [192.0.2.2]:587";
inline constexpr const char* kThree = "[192.0.2.1]:587, [192.0.2.2]:587, [192.0.2.3]:587";

/// Catch2 3 gave the matcher another name.
inline auto contains(const std::string& part) {
#ifdef RELAYPIPE_CATCH2_V3
  return Catch::Matchers::ContainsSubstring(part);
#else
  return Catch::Matchers::ContainsSubstring(part);
#endif
}

inline std::vector<Destination> destinations(const std::string& nexthop) {
  auto parsed = parse_nexthop(nexthop, [](std::string_view) { return std::nullopt; });
  if (!parsed) throw std::invalid_argument(parsed.error());
  return *std::move(parsed);
}

/// The plan for a list, made by hand: these tests are about what is done with a plan. `settings` outlive it.
inline RoutePlan list_plan(const std::string& nexthop, const RelaySettings& settings, const Envelope& envelope) {
  RoutePlan plan;
  const auto all = destinations(nexthop);
  for (const Destination& destination : all) {
    Leg leg;
    leg.relay.name = destination.text;
    leg.relay.destination = destination;
    leg.relay.settings = &settings;
    leg.relay.recipient_domain = all.size() == 1 && !envelope.recipients.empty() && destination.lookup == Lookup::Mx &&
                                 envelope.recipients.front().domain() == destination.host;
    plan.legs.push_back(std::move(leg));
  }
  return plan;
}

/// A verdict as one line: `deferred 4.4.1 connect to ...`.
inline std::string line_of(const Verdict& verdict) {
  const char* const words[] = {"delivered", "deferred", "bounced"};
  return std::string(words[static_cast<int>(verdict.disposition)]) + " " + verdict.status.text() + " " + verdict.text;
}

/// One delivery over fakes: set the world up, run() it, and look at what everybody saw.
struct Flow {
  explicit Flow(std::string list = kTwo, std::initializer_list<const char*> recipients = {"r@example.org"})
      : nexthop(std::move(list)) {
    envelope.queue_id = "4Xyz";
    envelope.sender = *parse_sender("s@example.com");
    for (const char* recipient : recipients)
      envelope.recipients.push_back(*parse_address(recipient));
    settings.hostname = "me.example";
  }

  fake::FakeRelay& relay(const std::string& ip_and_port) { return services.relay(ip_and_port); }
  fake::FakeRelay& first() { return relay(kFirst); }
  fake::FakeRelay& second() { return relay(kSecond); }
  fake::FakeRelay& third() { return relay(kThird); }

  /// The message comes in whole at that time; without a call it is there from the start.
  void message_at(Duration when, std::string_view content = kContent) {
    scripted = true;
    services.timeline.at(when, [this, content = std::string(content)] {
      services.message.arrives(content);
      services.message.ends();
    });
  }
  void caller_becomes(Parent::State state, Duration when) {
    services.timeline.at(when, [this, state] { services.parent.becomes(state); });
  }

  /// Runs it and gives the verdict as one line: `deferred 4.4.1 connect to ...`.
  std::string run() {
    deliver_it();
    REQUIRE(delivered.verdicts.size() == 1);
    CHECK(accepted == (delivered.verdicts.front().disposition == Disposition::Delivered));
    return line_of(delivered.verdicts.front());
  }

  /// The same where each recipient has a verdict of its own.
  std::vector<std::string> run_for_each() {
    each_recipient = true;
    deliver_it();
    std::vector<std::string> lines;
    for (const Verdict& verdict : delivered.verdicts)
      lines.push_back(line_of(verdict));
    return lines;
  }

  void deliver_it() {
    if (!scripted) {
      services.message.arrives(kContent);
      services.message.ends();
    }
    plan = list_plan(nexthop, settings, envelope);
    for (Leg& leg : plan.legs) {
      leg.tier = tier;
      leg.relay.limits = limits;
      const std::size_t place = static_cast<std::size_t>(&leg - plan.legs.data());
      if (place < rewriting.size()) leg.relay.rewriting = rewriting[place];
    }
    const DeliveryRequest order{
        envelope, plan, services.run_settings, self, Random(seed), services.timeline.now(), each_recipient, verify};
    DeliveryHistory history(services.history(), envelope, services.timeline.now() + services.run_settings.deadline);
    Services outside = services.services(history);
    services.parent.has_accepted = false;
    delivered = deliver(order, outside);
    accepted = services.parent.has_accepted;
  }

  std::string nexthop;
  fake::FakeWorld services;
  RelaySettings settings;  ///< of every relay
  Envelope envelope;
  OwnHost self{"me.example", {}};
  RoutePlan plan;
  Limits limits;                                ///< of every relay
  std::vector<SenderRewriting> rewriting = {};  ///< of the first relays
  std::size_t tier = 0;                         ///< of every leg
  std::uint64_t seed = 1;
  bool each_recipient = false;
  bool verify = false;
  bool scripted = false;
  bool accepted = false;
  Delivered delivered;
};

/// The commands a relay saw up to a content that it got whole.
inline const std::vector<std::string>& whole_transaction() {
  static const std::vector<std::string> commands{
      "MAIL FROM:<s@example.com>", "RCPT TO:<r@example.org>", "DATA", "(content)", ".", "QUIT"};
  return commands;
}

}  // namespace relaypipe::flow
