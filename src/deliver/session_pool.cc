#include "deliver/session_pool.h"

#include <algorithm>
#include <array>
#include <utility>

#include "smtp/reply.h"

namespace relaypipe {
namespace {

/// A session of the pool, in the hands of a delivery.
class LentSession final : public Session {
 public:
  LentSession(SessionPool& pool, std::shared_ptr<SessionPool::Kept> kept) : pool_(pool), kept_(std::move(kept)) {}

  [[nodiscard]] const Capabilities& capabilities() const override { return inner().capabilities(); }
  [[nodiscard]] const SessionFacts& facts() const override { return inner().facts(); }
  [[nodiscard]] const Credentials* credentials() const override { return inner().credentials(); }
  std::size_t send(std::string_view octets) override { return inner().send(octets); }
  [[nodiscard]] bool flushed() override { return inner().flushed(); }
  [[nodiscard]] std::size_t unsent() const override { return inner().unsent(); }
  std::size_t receive(std::span<char> buffer) override { return inner().receive(buffer); }
  [[nodiscard]] bool ended() const override { return inner().ended(); }
  void finish(SessionEnd end) override { pool_.put_back(kept_, end); }
  [[nodiscard]] bool is_kept() const override { return pool_.will_keep(*kept_); }
  [[nodiscard]] bool is_used() const override { return kept_->transactions > 0; }

 private:
  [[nodiscard]] Session& inner() const { return *kept_->session; }

  SessionPool& pool_;
  std::shared_ptr<SessionPool::Kept> kept_;  ///< its facts are asked for after finish(), too
};

/// How long the reply to RSET may take.
constexpr Duration kResetTime = std::chrono::seconds(20);

/// How often to look whether the place of a kept session is wanted: it is to be free within a second.
constexpr Duration kLookForWanted = std::chrono::milliseconds(500);

enum class Reset { Done, Waiting, Refused };

/// What came of the RSET that was sent when the session was put back.
Reset reset_of(Session& session) {
  std::array<char, 1024> buffer;
  const std::size_t count = session.receive(buffer);
  if (count == 0) return session.ended() ? Reset::Refused : Reset::Waiting;
  ReplyParser parser;
  const std::size_t used = parser.feed({buffer.data(), count});
  const auto reply = parser.take();
  return reply && reply->positive() && used == count ? Reset::Done : Reset::Refused;
}

}  // namespace

SessionPool::SessionPool(const Clock& clock, Dialer& dialer, KeyOf key_of, KeptPlaces* places)
    : clock_(clock), dialer_(dialer), key_of_(std::move(key_of)), places_(places) {}

SessionPool::~SessionPool() {
  for (const auto& kept : idle_)
    kept->session->finish(SessionEnd::Clean);
}

void SessionPool::start(DialId id, const DialTarget& target) {
  std::string key = key_of_(target);
  if (auto kept = key.empty() ? nullptr : take(key)) {
    taken_.emplace(id, Taken{std::move(kept), target, clock_.now()});
    return;
  }
  dial(id, target, std::move(key));
}

void SessionPool::dial(DialId id, const DialTarget& target, std::string key) {
  const std::string relay = places_ != nullptr && target.relay->limits.connections > 0 ? target.relay->name : "";
  // The delivery's place is for one connection: that of the session it could not use is needed.
  if (!relay.empty()) close_kept(relay);
  dialer_.start(id, target);
  openings_.insert_or_assign(id, Opening{std::move(key), relay, target.relay->settings->session});
}

void SessionPool::close_kept(const std::string& relay) {
  std::erase_if(idle_, [&](const std::shared_ptr<Kept>& kept) {
    if (kept->relay != relay) return false;
    kept->session->finish(SessionEnd::Clean);
    return true;
  });
}

bool SessionPool::keeps(const std::string& relay) const {
  return std::any_of(idle_.begin(), idle_.end(),
                     [&](const std::shared_ptr<Kept>& kept) { return kept->relay == relay; });
}

Stage SessionPool::cancel(DialId id) {
  if (const auto found = taken_.find(id); found != taken_.end()) {
    idle_.push_front(std::move(found->second.kept));
    taken_.erase(found);
    return Stage::Mail;
  }
  openings_.erase(id);
  return dialer_.cancel(id);
}

Progress SessionPool::progress(DialId id) const {
  if (const auto found = taken_.find(id); found != taken_.end()) return {Stage::Mail, found->second.since};
  return dialer_.progress(id);
}

std::vector<DialEvent> SessionPool::take_events() {
  std::vector<DialEvent> events = take_kept();
  for (DialEvent& event : dialer_.take_events()) {
    auto* const session = std::get_if<std::unique_ptr<Session>>(&event.result);
    const auto opening = openings_.extract(event.id);
    if (session != nullptr && opening && !opening.mapped().key.empty()) {
      auto& [key, relay, limits] = opening.mapped();
      Kept kept{std::move(*session), std::move(key), std::move(relay), limits, clock_.now()};
      *session = std::make_unique<LentSession>(*this, std::make_shared<Kept>(std::move(kept)));
    }
    events.push_back(std::move(event));
  }
  return events;
}

/// Those that were taken, once they can be used. One that is over is dialled anew.
std::vector<DialEvent> SessionPool::take_kept() {
  std::vector<DialEvent> events;
  for (auto one = taken_.begin(); one != taken_.end();) {
    auto& [id, taken] = *one;
    const Use use = use_of(*taken.kept);
    if (use == Use::Later) {
      ++one;
      continue;
    }
    if (use == Use::Now)
      events.push_back({id, std::make_unique<LentSession>(*this, std::move(taken.kept))});
    else
      dial(id, taken.target, std::move(taken.kept->key));
    one = taken_.erase(one);
  }
  return events;
}

bool SessionPool::will_keep(const Kept& kept) const {
  return kept.transactions + 1 < kept.limits.messages && clock_.now() - kept.ready < kept.limits.age;
}

void SessionPool::put_back(std::shared_ptr<Kept> kept, SessionEnd end) {
  if (end == SessionEnd::Unusable) return;
  if (end == SessionEnd::Last || !will_keep(*kept)) return kept->session->finish(end);
  ++kept->transactions;
  kept->used = clock_.now();
  kept->resetting = end == SessionEnd::Transaction;
  if (kept->resetting) kept->session->send("RSET\r\n");
  if (!kept->relay.empty()) close_kept(kept->relay);
  idle_.push_front(std::move(kept));
}

SessionPool::Use SessionPool::use_of(Kept& kept) const {
  if (kept.resetting) {
    const Reset reset = reset_of(*kept.session);
    if (reset == Reset::Refused) return Use::Never;
    if (reset == Reset::Waiting) return clock_.now() < kept.used + kResetTime ? Use::Later : Use::Never;
    kept.resetting = false;
  }
  return is_over(*kept.session) ? Use::Never : Use::Now;
}

std::shared_ptr<SessionPool::Kept> SessionPool::take(const std::string& key) {
  for (auto one = idle_.begin(); one != idle_.end();) {
    if ((*one)->key != key) {
      ++one;
      continue;
    }
    auto kept = std::move(*one);
    one = idle_.erase(one);
    if (use_of(*kept) != Use::Never) return kept;
  }
  return nullptr;
}

bool SessionPool::is_over_age(const Kept& kept, Instant now) const {
  return now >= kept.used + kept.limits.idle || now >= kept.ready + kept.limits.age;
}

Instant SessionPool::interests(std::vector<pollfd>&, Instant now) {
  Instant due = Instant::max();
  for (const auto& [id, taken] : taken_)
    due = std::min(due, taken.kept->resetting ? taken.kept->used + kResetTime : now);
  for (const auto& kept : idle_) {
    due = std::min({due, kept->used + kept->limits.idle, kept->ready + kept->limits.age});
    if (!kept->relay.empty()) due = std::min(due, looked_ + kLookForWanted);
  }
  return due;
}

void SessionPool::serve(std::span<const pollfd>, Instant now) {
  const bool look = now >= looked_ + kLookForWanted;
  if (look) looked_ = now;
  std::erase_if(idle_, [&](const std::shared_ptr<Kept>& kept) {
    const bool over = use_of(*kept) == Use::Never;
    const bool wanted = look && !kept->relay.empty() && places_->is_wanted(kept->relay);
    if (!over && !wanted && !is_over_age(*kept, now)) return false;
    if (!over) kept->session->finish(SessionEnd::Clean);
    if (!kept->relay.empty()) places_->closed(kept->relay);
    return true;
  });
}

}  // namespace relaypipe
