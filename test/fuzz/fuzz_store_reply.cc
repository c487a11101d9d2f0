// What the fleet's store answers, or whoever listens in its place: octets in pieces become replies, these the slices
// and facts of a relay, and what `status --fleet` shows.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "base/printable.h"
#include "fuzz.h"
#include "io/fleet/protocol.h"
#include "io/fleet/window_reply.h"
#include "io/fleet/wire.h"
#include "state/fleet_question.h"
#include "state/health_event.h"
#include "state/slice.h"
#include "state/stored_values.h"

namespace {

using namespace relaypipe;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const WallTime kNow{seconds(1'795'000'000)};
constexpr std::uint64_t kQuota = 100;
/// Small, so that the fuzzer comes to them.
constexpr ReplyLimits kLimits{.octets = 1024, .elements = 64};

seconds utc(const std::string&, WallTime) { return seconds(0); }

struct Read {
  std::vector<StoreReply> replies;
  bool failed = false;
};

/// Feeds pieces of `lengths` in turn, and takes the replies that are there after each.
Read read(std::string_view octets, const std::vector<std::size_t>& lengths) {
  ReplyReader reader(kLimits);
  Read found;
  for (std::size_t turn = 0; !octets.empty() && !found.failed; ++turn) {
    const std::string_view part = octets.substr(0, lengths[turn % lengths.size()]);
    octets.remove_prefix(part.size());
    reader.feed(part);
    while (true) {
      auto next = reader.next();
      found.failed = !next;
      if (!next || !*next) break;
      found.replies.push_back(**std::move(next));
    }
    must(found.failed || reader.unread() <= kLimits.octets, "what is kept is bounded");
  }
  return found;
}

bool same(const StoreReply& a, const StoreReply& b) {
  return a.kind == b.kind && a.text == b.text && a.number == b.number &&
         std::equal(a.list.begin(), a.list.end(), b.list.begin(), b.list.end(), same);
}

std::size_t elements(const StoreReply& reply) {
  std::size_t sum = reply.list.size();
  for (const StoreReply& one : reply.list)
    sum += elements(one);
  return sum;
}

std::size_t octets(const StoreReply& reply) {
  std::size_t sum = reply.text.size();
  for (const StoreReply& one : reply.list)
    sum += octets(one);
  return sum;
}

LimitRule rule(bool is_rate, std::uint64_t count, Period period, Span window, std::string text) {
  return {is_rate, count, Counted::Recipients, period, window, "", std::move(text)};
}

/// A relay with limits of each sort, of which this host has used something.
struct Host {
  Host() {
    limits.rules = {rule(false, kQuota, Period::Rolling, hours(24), "24h"),
                    rule(false, kQuota, Period::Month, {}, "month"),
                    rule(true, 4, Period::Rolling, seconds(1), "rate")};
    limits.fleet = WhenAway::Closed;
    settle(state.allowance, limits, kNow, utc);
    count(state.allowance, limits, {1}, 3, kNow, utc);
  }

  Limits limits;
  RelayState state;
  Random random{1};
};

void check_line(std::string_view text) {
  must_be_line(text);
  must(text.size() < 300, "a store's words are clipped", text);
}

/// Whether more than `most` recipients may be sent one by one now, without another question.
bool may_send_more(const Host& host, std::uint64_t most, WallTime now) {
  Allowance allowance = host.state.allowance;
  allowance.used.clear();  // of the rate, and of this host's own count
  Limits quotas = host.limits;
  std::erase_if(quotas.rules, [](const LimitRule& one) { return one.is_rate; });
  std::uint64_t sent = 0;
  settle(allowance, quotas, now, utc);
  while (sent <= most &&
         !exhausted(allowance, quotas, {.owner = {2}, .until = now + minutes(5), .asked = true}, now, utc)) {
    count(allowance, quotas, {2}, 1, now, utc);
    ++sent;
  }
  return sent > most;
}

/// What the store says is taken over as in an exchange.
void check_exchange(const std::vector<StoreReply>& replies, bool urgent) {
  Host host;
  const std::optional<SliceNeed> need = SliceNeed{.recipients = 2, .urgent = urgent};
  const auto questions = slice_questions(host.state.allowance, host.limits, need, kNow, utc, host.random);
  const std::size_t wanted = std::min(replies.size(), questions.size() + 1);
  const auto answers = parse_answers(std::span(replies).first(wanted), questions);
  if (!answers) return check_line(answers.error());
  std::uint64_t most = 0;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const SliceQuestion& asked = questions[i];
    const SliceReply& reply = answers->slices[i];
    must(reply.stale || reply.granted <= std::max(asked.granted, asked.spent) + asked.want, "no more than was asked");
    if (asked.quota != 0) most = std::max(most, asked.granted - std::min(asked.granted, asked.spent) + asked.want);
  }
  const WallTime now = kNow + Span(5);
  apply_replies(host.state.allowance, questions, answers->slices, kNow, now);
  for (const Change& change : apply_facts(host.state, answers->facts, "relay", "self", {}, {}, now))
    check_line(change.words.empty() ? "-" : change.words);
  must(!may_send_more(host, most, now), "nobody uses more than was asked for");
  const RateShare share = rate_share(host.limits.rules[2], host.state.allowance.fleet);
  must(share.count > 0 && share.window > Span(0), "a rate is never nothing");
  const std::string packed = pack(host.state);
  const auto again = unpack(packed);
  must(again && pack(*again) == packed, "what a store says leaves the record readable");
  const WallTime suspended = host.state.health.suspended_until.value_or(kNow);
  must(is_plausible(suspended) || suspended == kFarFuture, "a suspension has an end");
}

void check_window(const std::vector<StoreReply>& replies) {
  const auto use = parse_window(std::span(replies).first(std::min<std::size_t>(replies.size(), 3)));
  if (!use) return check_line(use.error());
  for (const FleetHostUse& host : use->hosts) {
    must(printable(host.id) == host.id && printable(host.name) == host.name, "names are printable");
    must(host.seen >= Span(0), "nobody is seen in the future");
  }
}

}  // namespace

/// The first octet holds how the rest is cut, so that seeds stay readable.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string from(data + 1, data + size);
  const Read whole = read(from, {from.size() + 1});
  const std::size_t cut = data[0] % 16U;
  for (const auto& lengths : {std::vector<std::size_t>{1}, {1 + cut, 17 - cut, 3}}) {
    const Read pieces = read(from, lengths);
    must(pieces.failed == whole.failed, "every cut fails alike");
    must(std::equal(pieces.replies.begin(), pieces.replies.end(), whole.replies.begin(), whole.replies.end(), same),
         "every cut gives the same replies");
  }
  for (const StoreReply& reply : whole.replies)
    must(elements(reply) <= kLimits.elements && octets(reply) <= kLimits.octets, "a reply is bounded");
  check_exchange(whole.replies, data[0] >= 128);
  check_window(whole.replies);
  return 0;
}
