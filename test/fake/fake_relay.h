#pragma once

#include <cstddef>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "deliver/session.h"
#include "fake/timeline.h"

namespace relaypipe::fake {

/// How a dialled relay comes to a ready session, or does not.
struct Opening {
  Duration takes{};  ///< until the session is ready or the failure shows
  std::optional<SessionFailure> fails = std::nullopt;
  Stage stage = Stage::Connect;                        ///< where it stands until then
  bool silent = false;                                 ///< nothing happens until the limit of `stage`
  std::vector<std::pair<Duration, Stage>> steps = {};  ///< when it completes a step, and the stage that begins then
};

/// What the relay does when a command (or the final dot) has come.
struct Reaction {
  enum class Does { Reply, Close, Stall } does = Does::Reply;
  std::string reply;    ///< without the last line end
  Duration takes{};     ///< until the reply or the close
  bool closes = false;  ///< after the reply
};

/// One relay endpoint: its script, and what it saw.
class FakeRelay {
 public:
  explicit FakeRelay(Timeline& timeline) : timeline_(&timeline) {}

  // The script. Each returns the relay, to be chained. Where one is called several times for the same thing, the
  // calls serve one after another and the last one serves for the rest.
  FakeRelay& ready_after(Duration takes, Stage stage = Stage::Greeting);
  /// On the way of the last opening it completes steps, each so long after it was dialled.
  FakeRelay& by_steps(std::vector<std::pair<Duration, Stage>> steps);
  /// Ready after so many steps, each `every` after the one before: as a relay of that round-trip time.
  FakeRelay& ready_by_steps(Duration every, std::size_t steps = 6);
  /// Whatever was said of it so far: ready without delay.
  void ready_at_once() { openings_ = {Opening{}}; }
  FakeRelay& fails(SessionFailure why, Duration takes = {});
  FakeRelay& refused(Duration takes = {}) {
    return fails({Stage::Connect, SessionError::Unconnected, "Connection refused"}, takes);
  }
  FakeRelay& greets(const std::string& reply, Duration takes = {});
  FakeRelay& silent_at(Stage stage);
  FakeRelay& says(const std::string& verb, const std::string& reply, Duration takes = {});
  FakeRelay& says_and_closes(const std::string& verb, const std::string& reply);
  FakeRelay& closes_at(const std::string& verb, Duration takes = {});
  FakeRelay& stalls_at(const std::string& verb);
  FakeRelay& offers(Capabilities capabilities);
  /// Reads so many octets of content and no more.
  FakeRelay& reads_only(std::size_t octets) {
    window_ = octets;
    return *this;
  }
  /// The path takes so many octets of content and no more: what is sent then stays in the client's system.
  FakeRelay& blocks_after(std::size_t octets) {
    path_ = octets;
    return *this;
  }
  FakeRelay& drips_in_content(const std::string& octets, Duration every) { return drips_at("DATA", octets, every); }
  /// Says these octets every so often from that command on, or without end where `every` is 0. To a command other than
  /// DATA it says nothing else.
  FakeRelay& drips_at(const std::string& verb, const std::string& octets, Duration every);
  /// Breaks the connection at that time of the clock, if it stands then, after `last_words` that nobody asked for.
  FakeRelay& breaks_at(Duration since_start, const std::string& last_words = "");

  // What it saw.
  std::vector<Duration> dialled;      ///< when, since the start
  std::vector<Duration> stepped;      ///< when an attempt completed a step, since the start
  std::vector<DialTarget> targets;    ///< how
  std::vector<Stage> cancelled;       ///< the stages where it was given up
  std::vector<std::string> commands;  ///< without line ends; a whole content is "(content)", the final dot "."
  std::vector<std::string> messages;  ///< contents it said 2yz to, in wire form
  std::string content;                ///< of the last transaction, as far as it came
  std::size_t sessions = 0;
  std::size_t open_sessions = 0;
  [[nodiscard]] std::size_t count(std::string_view verb) const;

 private:
  friend class FakeDialer;
  friend class FakeSession;
  Opening next_opening();
  Reaction next_reaction(const std::string& verb);
  void add(const std::string& verb, Reaction reaction) { reactions_[verb].push_back(std::move(reaction)); }

  Timeline* timeline_;
  Capabilities capabilities_;
  std::vector<Opening> openings_;
  std::map<std::string, std::vector<Reaction>> reactions_;
  std::size_t window_ = std::numeric_limits<std::size_t>::max();
  std::size_t path_ = std::numeric_limits<std::size_t>::max();
  std::string drip_;
  std::string drips_at_;
  Duration drip_every_{};
  std::optional<Duration> breaks_;
  std::string last_words_;
};

/// The dialer of one world: relays by `ip:port`. Nobody listens where no relay was made.
class FakeDialer final : public Dialer {
 public:
  explicit FakeDialer(Timeline& timeline) : timeline_(&timeline) {}

  FakeRelay& relay(const std::string& ip_and_port);

  void start(DialId id, const DialTarget& target) override;
  Stage cancel(DialId id) override;
  [[nodiscard]] Progress progress(DialId id) const override;
  std::vector<DialEvent> take_events() override { return std::exchange(events_, {}); }
  [[nodiscard]] std::size_t most_at_once() const { return most_at_once_; }

 private:
  struct Dialled {
    FakeRelay* relay;
    Progress progress;
  };
  void finish(DialId id, const Opening& opening);

  Timeline* timeline_;
  std::map<std::string, std::unique_ptr<FakeRelay>> relays_;
  std::map<DialId, Dialled> running_;
  std::vector<DialEvent> events_;
  std::size_t most_at_once_ = 0;
};

}  // namespace relaypipe::fake
