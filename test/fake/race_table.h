#pragma once

#include <list>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "deliver/race.h"
#include "route/plan.h"

namespace relaypipe::fake {

/// A race as a table of times, events and the acts expected then, without a world. Endpoints are named by what stands
/// behind the last dot or colon of their address.
class RaceTable {
 public:
  /// `ask`: memory has to admit every leg.
  explicit RaceTable(const std::string& nexthop, RelaySettings settings, RunSettings run = {}, bool ask = false);
  RaceTable(const RaceTable&) = delete;
  RaceTable& operator=(const RaceTable&) = delete;

  struct Row {
    int ms;
    /// Nothing: the race itself has asked to be woken at that time. Or `refuse 1`, `breaks-tls 1`, `ready 1`, `greets
    /// 1` (it completes a step and comes to that stage), `a host.example 1 2 3` and `mx example.net host.example:10
    /// ...` (answers), `spend` (the transaction of the winner settled nothing). Of legs, counted from 1: `admit 1`,
    /// `postpone 1 2000` (until that time) and `pass 1`, as memory answers.
    std::string event;
    std::string acts;  ///< `ask a host.example`, `dial 1`, `dial-clear 1`, `drop 1`, `ask-memory 1`, joined by `, `
  };
  /// Plays the rows; a row whose time or acts are others than expected fails the test.
  void play(const std::vector<Row>& rows);

  /// Gives one leg, counted from 1, a patience of its own.
  void has_patience(std::size_t leg, Duration patience) {
    RelaySettings& own = own_.emplace_back(settings_);
    own.patience = patience;
    plan_.legs[leg - 1].relay.settings = &own;
  }
  [[nodiscard]] std::string attempts();  ///< `refused 1, superseded 2` since the last call
  [[nodiscard]] Race& race() { return *race_; }
  [[nodiscard]] std::size_t running() const { return running_.size(); }

 private:
  void happen(const std::string& event);
  bool history(const std::string& what, std::istringstream& words);
  std::string perform();
  std::string act(const race::Action& action);
  DialId id_of(const std::string& short_name) const;

  RelaySettings settings_;
  std::list<RelaySettings> own_;  ///< of legs
  RunSettings run_;
  OwnHost self_{"me.example", {}};
  RoutePlan plan_;
  std::optional<Race> race_;
  Instant now_;
  std::map<DialId, std::string> running_;  ///< by short name
  std::vector<Attempt> attempts_;
};

}  // namespace relaypipe::fake
