#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/journal.h"
#include "deliver/deliver.h"
#include "deliver/observer.h"
#include "deliver/parent.h"
#include "fake/fake_relay.h"
#include "fake/memory_state_store.h"
#include "fake/timeline.h"
#include "io/pcre_matcher.h"
#include "message/content_encoder.h"
#include "message/message_source.h"
#include "route/resolver.h"
#include "state/settings_stamp.h"

namespace relaypipe::fake {

/// DNS with scripted answers; what nobody scripted does not answer at all.
class FakeResolver final : public Resolver {
 public:
  explicit FakeResolver(Timeline& timeline) : timeline_(&timeline) {}

  void has(RecordType type, const std::string& name, Answer answer, Duration takes = {});
  void addresses(const std::string& name, const std::vector<std::string>& v4, const std::vector<std::string>& v6 = {},
                 Duration takes = {});
  void mx(const std::string& name, std::vector<MxRecord> records, Duration takes = {});

  void ask(const Query& query) override;
  std::vector<LookupEvent> take_answers() override { return std::exchange(events_, {}); }

  std::vector<Query> asked;

 private:
  using Key = std::pair<RecordType, std::string>;
  struct Scripted {
    Answer answer;
    Duration takes;
  };
  Timeline* timeline_;
  std::map<Key, Scripted> scripted_;
  std::set<Key> pending_;
  std::vector<LookupEvent> events_;
};

/// A message that comes in over time.
class FakeMessage final : public MessageSource {
 public:
  void arrives(std::string_view part) { encoder_.feed(part, wire_); }
  void ends();
  void breaks(std::string why);
  /// Offsets from here on cannot be read back.
  void unreadable_from(std::uint64_t offset) { readable_ = offset; }
  /// Handed out in pieces of so many octets.
  void in_pieces_of(std::size_t octets) { piece_ = octets; }

  [[nodiscard]] State state() const override { return state_; }
  [[nodiscard]] const std::string& failure() const override { return failure_; }
  [[nodiscard]] const ContentFacts& facts() const override { return encoder_.facts(); }
  std::string_view read(std::uint64_t offset) override;
  [[nodiscard]] const std::string& wire() const { return wire_; }

 private:
  ContentEncoder encoder_{998};
  std::string wire_;
  State state_ = State::Reading;
  std::string failure_;
  std::uint64_t readable_ = UINT64_MAX;
  std::size_t piece_ = 4096;
};

class FakeCaller final : public Parent {
 public:
  [[nodiscard]] State state(Look look) override { return look == Look::Now ? unseen_.value_or(state_) : state_; }
  void accepted(std::span<const std::size_t> places) override {
    has_accepted = true;
    accepted_for.insert(accepted_for.end(), places.begin(), places.end());
  }
  void becomes(State state) { state_ = state; }
  /// It becomes so after the event loop has looked: only a look of its own tells.
  void becomes_unseen(State state) { unseen_ = state; }

  bool has_accepted = false;
  std::vector<std::size_t> accepted_for;  ///< recipients, by their places in the envelope

 private:
  State state_ = State::Present;
  std::optional<State> unseen_;
};

class FakeJournal final : public Journal {
 public:
  void line(Level level, std::string_view text) override { lines.emplace_back(level, std::string(text)); }
  std::vector<std::pair<Level, std::string>> lines;
};

class FakeTrace final : public Trace {
 public:
  void dialogue(const Peer& peer, Direction direction, std::string_view line) override;
  std::vector<std::string> lines;  ///< "ip > line", "ip < line", "ip * line"
};

/// The time of day, which goes with a timeline.
class FakeWallClock final : public WallClock {
 public:
  explicit FakeWallClock(const Timeline& timeline) : timeline_(&timeline) {}
  [[nodiscard]] WallTime now() const override { return start() + to_span(timeline_->elapsed()) + shift; }
  [[nodiscard]] static WallTime start() { return std::chrono::sys_days(std::chrono::year(2026) / 11 / 27); }

  Span shift{};  ///< somebody set the clock

 private:
  const Timeline* timeline_;
};

/// The lock of deliveries, which another process has for a while.
class FakeLock final : public DeliveryLock {
 public:
  State take(const std::vector<std::string>& names) override {
    asked.push_back(names);
    return anothers ? State::Anothers : State::Ours;
  }
  void release() override {}
  [[nodiscard]] std::optional<std::string> trouble() const override { return std::nullopt; }

  bool anothers = false;
  std::vector<std::vector<std::string>> asked;
};

/// All of a delivery's world around one timeline. What it remembers outlives a delivery.
struct FakeWorld {
  Timeline timeline;
  FakeDialer dialer{timeline};
  Dialer* dials = &dialer;  ///< what a delivery opens its sessions with
  FakeResolver resolver{timeline};
  FakeMessage message;
  FakeCaller parent;
  FakeJournal journal;
  FakeTrace trace;
  PcreMatcher patterns;
  RunSettings run_settings;
  MemoryStateStore store;
  FakeWallClock wall{timeline};
  FakeLock lock;
  Owner self{100};
  std::set<std::uint64_t> dead;  ///< tokens
  std::uint64_t credentials = 1;
  std::vector<Change> changes;
  UpdateBacklog* backlog = nullptr;  ///< of a process that goes on

  FakeRelay& relay(const std::string& ip_and_port) { return dialer.relay(ip_and_port); }
  HistoryServices history() {
    HistoryServices found = {store,
                             wall,
                             timeline,
                             run_settings,
                             [this] { return self; },
                             [this](const Owner& owner) { return owner.token != 0 && !dead.contains(owner.token); },
                             [](const std::string&, WallTime) { return std::chrono::seconds(0); },
                             [this](const Relay&) { return credentials; },
                             [this](const Relay& relay) { return settings_stamp(relay, run_settings); },
                             [this](const Change& change) { changes.push_back(change); }};
    found.backlog = backlog;
    return found;
  }
  Services services(DeliveryHistory& history) {
    return {timeline, timeline, *dials, resolver, message, parent, journal, patterns, history, lock, &trace};
  }
};

}  // namespace relaypipe::fake
