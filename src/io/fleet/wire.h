#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/fleet_config.h"
#include "io/fleet/store_client.h"
#include "state/fleet_facts.h"
#include "state/fleet_question.h"

namespace relaypipe {

/// How this host is known to the others.
struct FleetHost {
  std::string id;    ///< in the store's keys
  std::string name;  ///< for people
};

/// The keys of one limit of a relay. What stands between { and } is the same in all keys of a relay, so that a cluster
/// has them on one server.
struct WindowKeys {
  std::string window;
  std::string hosts;
  std::string seen;
};
WindowKeys window_keys(const FleetConfig& fleet, std::string_view relay, std::string_view window);

/// The call that tells a fact, or none, and asks for all of a relay.
ScriptCall facts_call(const FleetConfig& fleet, std::string_view relay, const FleetHost& self,
                      const std::optional<FleetFact>& fact);
/// The call that asks a question about a limit.
ScriptCall take_call(const FleetConfig& fleet, std::string_view relay, const FleetHost& self,
                     const SliceQuestion& question);

// What the store answered. The error is a phrase: its own words, or that they make no sense.

/// At most one fact of each kind.
Result<std::vector<FleetFact>, std::string> parse_facts(const StoreReply& reply);
/// Nothing that was not asked for is taken as granted.
Result<SliceReply, std::string> parse_slice_reply(const StoreReply& reply, const SliceQuestion& question);

/// The answers to a call about facts and to one about each question.
struct FleetAnswers {
  std::vector<FleetFact> facts;
  std::vector<SliceReply> slices;
};
Result<FleetAnswers, std::string> parse_answers(std::span<const StoreReply> replies,
                                                std::span<const SliceQuestion> questions);

}  // namespace relaypipe
