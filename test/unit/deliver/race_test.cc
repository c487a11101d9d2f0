// The staggered race as tables: at which time, after which event, what is done.
#include "deliver/race.h"

#include <string>

#include "catch.h"
#include "fake/race_table.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;
using fake::RaceTable;

const char* const kTwo = "[192.0.2.1]:587, [192.0.2.2]:587";
const char* const kThree = "[192.0.2.1]:587, [192.0.2.2]:587, [192.0.2.3]:587";

RelaySettings v4() {
  RelaySettings settings;
  settings.ip = IpVersion::V4;
  return settings;
}

RunSettings sessions(std::uint64_t most) {
  RunSettings run;
  run.max_sessions = most;
  return run;
}

TEST_CASE("a leg has its patience, then the next one starts beside it") {
  RaceTable race(kThree, v4());
  race.play({{0, "", "dial 1"}, {2000, "", "dial 2"}, {4000, "", "dial 3"}, {9000, "ready 1", "drop 2, drop 3"}});
  CHECK(race.attempts() == "silent 2, silent 3");
  CHECK(race.race().winner().peer.ip == "192.0.2.1");
}

TEST_CASE("a failure starts the next leg at once") {
  RaceTable race(kThree, v4());
  race.play({{0, "", "dial 1"}, {30, "refuse 1", "dial 2"}, {1000, "refuse 2", "dial 3"}, {1001, "refuse 3", ""}});
  CHECK(race.race().exhausted());
  CHECK(race.attempts() == "refuse 1, refuse 2, refuse 3");
}

TEST_CASE("a failure of the second leg does not shorten the patience of the first") {
  RaceTable race(kThree, v4());
  race.play({{0, "", "dial 1"}, {2000, "", "dial 2"}, {2100, "refuse 2", "dial 3"}, {2200, "refuse 1", ""}});
  CHECK_FALSE(race.race().exhausted());
}

TEST_CASE("patience counts progress: who has just completed a step keeps its place") {
  RaceTable race(kTwo, v4());
  race.play({{0, "", "dial 1"}, {1900, "greets 1", ""}, {3800, "greets 1", ""}});
  SECTION("it is slow, and comes to a session") {
    race.play({{5700, "ready 1", ""}});
    CHECK(race.attempts().empty());
  }
  SECTION("it falls silent") {
    race.play({{5800, "", "dial 2"}, {5850, "ready 2", "drop 1"}});
    CHECK(race.attempts() == "silent 1");
  }
}

TEST_CASE("who was silent and then goes on was beaten, which is no failure") {
  RaceTable race(kTwo, v4());
  race.play({{0, "", "dial 1"}, {2000, "", "dial 2"}, {2010, "greets 1", ""}, {2050, "ready 2", "drop 1"}});
  CHECK(race.attempts().empty());
  CHECK(race.race().others_left());
  race.play({{2100, "spend", "dial 1"}});
}

TEST_CASE("of several relays the last one that makes progress holds up the next") {
  RaceTable race(kThree, v4());
  race.play({{0, "", "dial 1"},
             {2000, "", "dial 2"},
             {3000, "greets 1", ""},
             {4000, "greets 2", ""},
             {5900, "greets 1", ""},
             {7900, "", "dial 3"}});
}

TEST_CASE("patience may be a relay's own") {
  RaceTable race(kThree, v4());
  race.has_patience(1, 8s);
  race.has_patience(2, 500ms);
  race.play({{0, "", "dial 1"}, {5500, "greets 1", ""}, {13500, "", "dial 2"}, {14000, "", "dial 3"}});
}

TEST_CASE("between MX preferences the patience of relays applies, and one that was superseded has not failed") {
  RaceTable race("example.net, [192.0.2.9]:587", v4());
  race.play({{0, "", "ask mx example.net"}, {10, "mx example.net 192.0.2.1:10 192.0.2.2:20", "dial 1"}});
  SECTION("the better one is slow") {
    race.play({{300, "greets 1", ""}, {1800, "greets 1", ""}, {3500, "ready 1", ""}});
  }
  SECTION("it is silent") {
    race.play({{2010, "", "dial 2"}, {2050, "ready 2", "drop 1"}});
    CHECK(race.attempts() == "silent 1");
  }
  SECTION("it goes on too late") {
    race.play({{2010, "", "dial 2"}, {2020, "greets 1", ""}, {2050, "ready 2", "drop 1"}});
    CHECK(race.attempts().empty());
    race.play({{2100, "spend", "dial 1"}});
  }
  SECTION("it fails") { race.play({{300, "refuse 1", "dial 2"}, {2300, "", "dial 9"}}); }
  SECTION("all are silent: each has its time, then the next relay") {
    race.play({{2010, "", "dial 2"}, {4010, "", "dial 9"}, {4050, "ready 9", "drop 1, drop 2"}});
    CHECK(race.attempts() == "silent 1, silent 2");
  }
}

TEST_CASE("addresses of equal preference are tried side by side, a worse one waits for all of them") {
  RaceTable race("example.net", v4());
  race.play({{0, "", "ask mx example.net"},
             {10, "mx example.net a.example:10 192.0.2.3:20", "ask a a.example"},
             {20, "a a.example 1 1", "dial 1"},
             {270, "", "dial 1"}});
  SECTION("both are silent") {
    race.play({{2020, "", "dial 3"}, {2050, "ready 3", "drop 1, drop 1"}});
    CHECK(race.attempts() == "silent 1, silent 1");
  }
  SECTION("one goes on") { race.play({{1000, "greets 1", ""}, {3000, "", "dial 3"}}); }
  SECTION("one fails, the other one keeps the worse one waiting") {
    race.play({{300, "refuse 1", ""}, {2020, "", "dial 3"}});
  }
  SECTION("both fail") { race.play({{300, "refuse 1", ""}, {400, "refuse 1", "dial 3"}}); }
}

TEST_CASE("patience is a setting") {
  RelaySettings settings = v4();
  settings.patience = 500ms;
  RaceTable race(kTwo, settings);
  race.play({{0, "", "dial 1"}, {500, "", "dial 2"}});
}

// Equal ones are shuffled: so they come in the order 1 to 6.
const char* const kSix = "mx example.net 192.0.2.4:5 192.0.2.5:5 192.0.2.6:5 192.0.2.1:5 192.0.2.2:5 192.0.2.3:5";

TEST_CASE("six addresses of which five are dead: each next one after 250 ms, beyond three the oldest makes room") {
  RelaySettings settings = v4();
  settings.mx_address_limit = 0;
  RaceTable race("example.net", settings);
  race.play({{0, "", "ask mx example.net"}, {10, kSix, "dial 1"}, {260, "", "dial 2"}, {510, "", "dial 3"}});
  SECTION("TCP answers none of the five") {
    race.play({{760, "", "drop 1, dial 4"},
               {1010, "", "drop 2, dial 5"},
               {1260, "", "drop 3, dial 6"},
               {1300, "ready 6", "drop 4, drop 5"}});
  }
  SECTION("what TCP has answered has the whole patience from then on") {
    race.play({{600, "greets 1", ""},
               {760, "", ""},
               {1010, "", "drop 2, dial 4"},
               {1260, "", "drop 3, dial 5"},
               {1510, "", ""},
               {1760, "", "drop 4, dial 6"},
               {1800, "ready 1", "drop 5, drop 6"}});
  }
  SECTION("where TCP has answered everywhere, the patience makes room") {
    race.play({{600, "greets 1", ""},
               {610, "greets 2", ""},
               {620, "greets 3", ""},
               {760, "", ""},
               {2600, "", "drop 1, dial 4"}});
  }
  SECTION("a failure gives its turn to the next one at once") {
    race.play({{520, "refuse 2", "dial 4"}, {530, "refuse 4", "dial 5"}, {540, "ready 5", "drop 1, drop 3"}});
    CHECK(race.attempts() == "refuse 2, refuse 4, superseded 1");  // 3 still had its time
  }
}

TEST_CASE("a relay of many silent addresses costs the next one its patience, and not each of them") {
  RelaySettings settings = v4();
  settings.mx_address_limit = 0;
  RaceTable race("example.net, [192.0.2.9]:587", settings);
  race.play({{0, "", "ask mx example.net"}, {10, kSix, "dial 1"}, {260, "", "dial 2"}, {510, "", "dial 3"}});
  race.play({{600, "greets 1", ""},
             {610, "greets 2", ""},
             {620, "greets 3", ""},
             {760, "", ""},
             {2600, "", "drop 1, dial 4"},
             {2610, "", ""},
             {2620, "", "drop 2, dial 9"}});
}

TEST_CASE("address_patience is a setting") {
  RunSettings run;
  run.address_patience = 100ms;
  RaceTable race("example.net", v4(), run);
  race.play({{0, "", "ask mx example.net"},
             {10, kSix, "dial 1"},
             {110, "", "dial 2"},
             {210, "", "dial 3"},
             {310, "", "drop 1, dial 4"}});
}

TEST_CASE("looking up is part of a leg's patience, and what is found is progress") {
  RaceTable race("a.example, [192.0.2.9]:587", v4());
  race.play(
      {{0, "", "ask mx a.example"}, {50, "", ""}, {1900, "mx a.example 192.0.2.1:1", "dial 1"}, {3900, "", "dial 9"}});
  RaceTable slow("a.example, [192.0.2.9]:587", v4());
  slow.play({{0, "", "ask mx a.example"},
             {50, "", ""},
             {1500, "mx a.example mx.a.example:10", "ask a mx.a.example"},
             {1550, "", ""},
             {3000, "a mx.a.example 1", "dial 1"}});
  RaceTable silent("a.example, [192.0.2.9]:587", v4());
  silent.play({{0, "", "ask mx a.example"}, {50, "", ""}, {2000, "", "dial 9"}});
  RaceTable failing("a.example, [192.0.2.9]:587", v4());
  failing.play({{0, "", "ask mx a.example"}, {30, "mx a.example :0", "dial 9"}});
}

TEST_CASE("an answer goes to the leg that asked for it") {
  RaceTable race("a.example, b.example", v4());
  race.play({{0, "", "ask mx a.example"},
             {50, "", ""},
             {2000, "", "ask mx b.example"},
             {2010, "mx b.example mx.b.example:10", "ask a mx.b.example"},
             {2020, "a mx.b.example 2", "dial 2"},
             {2030, "mx a.example mx.a.example:10", "ask a mx.a.example"},
             {2040, "a mx.a.example 1", "dial 1"}});
}

TEST_CASE("at most max_sessions: the oldest that has had its time makes room, and is tried again last, for good") {
  RaceTable race("[192.0.2.1]:587, [192.0.2.2]:587, [192.0.2.3]:587, [192.0.2.4]:587", v4(), sessions(2));
  race.play({{0, "", "dial 1"},
             {2000, "", "dial 2"},
             {4000, "", "drop 1, dial 3"},
             {6000, "", "drop 2, dial 4"},
             {6100, "refuse 4", "dial 1"},
             {6200, "refuse 3", "dial 2"},
             {40000, "refuse 1", ""},
             {40001, "refuse 2", ""}});
  CHECK(race.attempts() == "silent 1, silent 2, refuse 4, refuse 3, refuse 1, refuse 2");
  CHECK(race.race().exhausted());
}

TEST_CASE("what TCP does not answer makes room after 750 ms, what has answered after its patience") {
  RelaySettings settings = v4();
  settings.mx_address_limit = 0;
  const bool greets = GENERATE(false, true);
  RaceTable race("[192.0.2.1]:587, [192.0.2.2]:587", settings, sessions(1));
  // The second leg is due after the patience of the first, which is longer than either.
  race.play({{0, "", "dial 1"}});
  if (greets) race.play({{100, "greets 1", ""}});
  race.play({{greets ? 2100 : 2000, "", "drop 1, dial 2"}, {2500, "refuse 2", "dial 1"}});
}

TEST_CASE("those that are ready beat those that wait; what they beat in time comes back") {
  RaceTable race(kThree, v4());
  race.play({{0, "", "dial 1"}, {2000, "", "dial 2"}, {2500, "ready 1", "drop 2"}});
  CHECK(race.attempts().empty());  // beaten while it still had time: nothing speaks against it
  CHECK(race.race().others_left());
  race.play({{3000, "spend", "dial 2"},
             {5000, "", "dial 3"},
             {5100, "ready 2", "drop 3"},
             {5200, "spend", "dial 3"},
             {5300, "refuse 3", ""}});
  CHECK(race.race().exhausted());
}

TEST_CASE("superseded legs come back when nothing new is left") {
  RaceTable race(kTwo, v4());
  race.play({{0, "", "dial 1"}, {2000, "", "dial 2"}, {2500, "ready 2", "drop 1"}});
  CHECK(race.attempts() == "silent 1");
  CHECK(race.race().others_left());
  race.play({{3000, "spend", "dial 1"}, {33000, "refuse 1", ""}});
  CHECK(race.race().exhausted());
}

TEST_CASE("a single relay leaves no other") {
  RaceTable race("[192.0.2.1]:587", v4());
  race.play({{0, "", "dial 1"}, {500, "ready 1", ""}});
  CHECK_FALSE(race.race().others_left());
  race.play({{600, "spend", ""}});
  CHECK(race.race().exhausted());
}

TEST_CASE("after TLS broke, the same address is tried once without it where tls = may") {
  RaceTable race(kTwo, v4());
  race.play({{0, "", "dial 1"}, {100, "breaks-tls 1", "dial-clear 1"}, {200, "breaks-tls 1", "dial 2"}});
  RelaySettings settings = v4();
  settings.tls = TlsLevel::Encrypt;
  RaceTable encrypted(kTwo, settings);
  encrypted.play({{0, "", "dial 1"}, {100, "breaks-tls 1", "dial 2"}});
  RaceTable implicit("smtps:[192.0.2.1], [192.0.2.2]:587", v4());
  implicit.play({{0, "", "dial 1"}, {100, "breaks-tls 1", "dial 2"}});
}

TEST_CASE("a spent MX host is not tried again, others are up to mx_session_limit") {
  RelaySettings settings = v4();
  settings.mx_session_limit = GENERATE(0U, 1U, 2U);
  RaceTable race("example.net", settings);
  race.play({{0, "", "ask mx example.net"},
             {5, "mx example.net a.example:10 b.example:20 c.example:30",
              "ask a a.example, ask a b.example, ask a c.example"},
             {10, "a a.example 1", ""},
             {15, "a b.example 2", ""},
             {20, "a c.example 3", "dial 1"},
             {50, "ready 1", ""},
             {60, "spend", settings.mx_session_limit == 1 ? "" : "dial 2"}});
  CHECK(race.race().exhausted() == (settings.mx_session_limit == 1));
  if (settings.mx_session_limit == 1) return;
  race.play({{70, "ready 2", ""}, {80, "spend", settings.mx_session_limit == 0 ? "dial 3" : ""}});
  CHECK(race.race().exhausted() == (settings.mx_session_limit == 2));
}

TEST_CASE("what runs out after it was given up, or twice, changes nothing") {
  RaceTable race(kTwo, v4());
  race.play({{0, "", "dial 1"}, {2000, "", "dial 2"}, {2100, "ready 2", "drop 1"}});
  for (const DialId id : {1U, 99U}) {
    race.race().on(race::Failed{id, {Stage::Connect, SessionError::Unconnected, "late"}}, Instant{} + 2h);
    race.race().on(race::Progressed{id, {Stage::Greeting, Instant{} + 2h}}, Instant{} + 2h);
  }
  CHECK(race.race().advance(Instant{} + 2h).empty());
  CHECK(race.attempts() == "silent 1");
}

TEST_CASE("memory is asked when a leg's time has come, and nothing happens before it has answered") {
  RaceTable race(kThree, v4(), {}, true);
  race.play({{0, "", "ask-memory 1"},
             {0, "admit 1", "dial 1"},
             {2000, "", "ask-memory 2"},
             {2000, "pass 2", "ask-memory 3"},
             {2000, "admit 3", "dial 3"},
             {2100, "ready 3", "drop 1"}});
  CHECK(race.attempts() == "skipped 2, silent 1");
}

TEST_CASE("all legs skipped: nothing is left, at once and without a question") {
  RaceTable race("[mail1.example]:587, [mail2.example]:587", v4(), {}, true);
  race.play({{0, "", "ask-memory 1"}, {0, "pass 1", "ask-memory 2"}, {0, "pass 2", ""}});
  CHECK(race.race().exhausted());
}

TEST_CASE("a leg that is postponed is asked for again at that time, and the next ones wait for it") {
  RaceTable race(kTwo, v4(), {}, true);
  race.play({{0, "", "ask-memory 1"},
             {0, "postpone 1 700", ""},
             {700, "", "ask-memory 1"},
             {700, "postpone 1 1500", ""},
             {1500, "", "ask-memory 1"},
             {1500, "pass 1", "ask-memory 2"},
             {1500, "admit 2", "dial 2"}});
  CHECK_FALSE(race.race().exhausted());
}

TEST_CASE("what a leg has waited so far is told to memory, and begins anew when it was released") {
  const RoutePlan plan = [] {
    RoutePlan one;
    Leg leg;
    leg.relay.destination = {"[192.0.2.1]:587", "192.0.2.1", true, Lookup::Address, 587};
    leg.ask = true;
    one.legs.push_back(std::move(leg));
    return one;
  }();
  const OwnHost self{"me.example", {}};
  const RunSettings settings;
  Race race(plan, settings, self, Random(1));
  const auto waited = [&](Duration since_start) {
    const auto actions = race.advance(Instant{} + since_start);
    REQUIRE(actions.size() == 1);
    return std::get<race::Admit>(actions[0]).waited;
  };
  CHECK(waited(0s) == 0s);
  race.on(race::Postponed{0, Instant{} + 1s}, Instant{});
  CHECK(waited(1s) == 1s);
  race.on(race::Postponed{0, Instant{} + 1500ms}, Instant{} + 1s);
  CHECK(waited(1500ms) == 1500ms);
  race.on(race::Released{0}, Instant{} + 1500ms);
  CHECK(waited(5s) == 0s);
}

TEST_CASE("a leg that was released is asked for anew, also as the last resort") {
  RaceTable race(kTwo, v4(), {}, true);
  race.play({{0, "", "ask-memory 1"},
             {0, "admit 1", "dial 1"},
             {2000, "", "ask-memory 2"},
             {2000, "admit 2", "dial 2"},
             {2500, "ready 2", "drop 1"}});
  race.race().on(race::Released{0}, Instant{} + 1h);
  race.play({{2600, "spend", "ask-memory 1"}, {2600, "admit 1", "dial 1"}});
  CHECK(race.attempts() == "silent 1");
}

TEST_CASE("the leg of the winner is open while it has the session") {
  RaceTable race(kTwo, v4());
  race.play({{0, "", "dial 1"}, {10, "ready 1", ""}});
  CHECK(race.race().open(0));
  CHECK_FALSE(race.race().open(1));
  race.race().on(race::Spent{}, Instant{} + 1h);
  CHECK_FALSE(race.race().open(0));
}

}  // namespace
}  // namespace relaypipe
