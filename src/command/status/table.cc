#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/printable.h"
#include "command/status/report.h"
#include "command/wiring/text.h"
#include "relay/reply_words.h"
#include "relay/units.h"

namespace relaypipe {
namespace {

constexpr std::size_t kBar = 20;
constexpr std::size_t kShownMessages = 10;

/// `12m`, `3h`: how long ago, or in how long, in its largest unit alone.
std::string rough(Span span) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(span).count();
  if (seconds < 120) return fmt::format("{}s", std::max<std::int64_t>(seconds, 0));
  if (seconds < 7200) return fmt::format("{}m", seconds / 60);
  return seconds < 172'800 ? fmt::format("{}h", seconds / 3600) : fmt::format("{}d", seconds / 86'400);
}

std::string state_cell(const RelayStatus& relay, bool colour) {
  const std::string word = fmt::format("{:<12}", standing_name(relay));
  switch (relay.standing.kind) {
    case Standing::Kind::Up: return relay.standing.unknown ? word : coloured(word, Colour::Green, colour);
    case Standing::Kind::Suspended: return coloured(word, Colour::Magenta, colour);
    case Standing::Kind::CoolingDown: return coloured(word, Colour::Red, colour);
    default: return coloured(word, Colour::Yellow, colour);
  }
}

/// The last column: since when it is what it is, and when that may end.
std::string times_of(const RelayStatus& relay, WallTime now) {
  const Health& health = relay.health;
  if (relay.standing.kind == Standing::Kind::Suspended) {
    return relay.standing.until >= kFarFuture ? "  until resumed" : "  for " + rough(relay.standing.until - now);
  }
  if (!health.outage) return "";
  std::string text = "  since " + rough(now - health.outage->since);
  if (relay.standing.kind == Standing::Kind::CoolingDown) text += ", next try in " + rough(relay.standing.until - now);
  return text;
}

std::string average(const Average& average) {
  return average.samples == 0 ? "-" : fmt::format("{:.0f} ms", average.value);
}

std::string bar(const LimitUse& limit) {
  const std::uint64_t used = std::min(limit.used, limit.count);
  const std::size_t full = limit.count == 0 ? 0 : static_cast<std::size_t>(used * kBar / limit.count);
  return fmt::format("[{}{}]", std::string(full, '#'), std::string(kBar - full, '.'));
}

std::string relay_lines(const RelayStatus& relay, WallTime now, bool colour) {
  std::string text =
      fmt::format("{:<20} {} {:>7} {:>9} {:>9}{}\n", clip(printable(relay.name), 40), state_cell(relay, colour),
                  relay.today, average(relay.health.ready), average(relay.health.accepted), times_of(relay, now));
  if (relay.gone) {
    text += fmt::format("    gone from the configuration: `relaypipe reset {}` forgets it\n", printable(relay.name));
  }
  const std::optional<Outage>& outage = relay.health.outage;
  if (outage) text += fmt::format("    {}: {}\n", cause_name(outage->cause), clip(outage->words, 140));
  if (relay.health.one_by_one_until > now) {
    text += fmt::format("    PIPELINING is not used for {}: commands sent together were lost\n",
                        rough(*relay.health.one_by_one_until - now));
  }
  // Of a relay that is down as a whole that is no news.
  for (const std::string& endpoint : outage ? std::vector<std::string>() : relay.cooling_down)
    text += fmt::format("    cooling-down address {}\n", endpoint);
  for (const LimitUse& limit : relay.limits) {
    text += fmt::format("    {} {} {} of {}  {}{}\n", bar(limit), limit.is_rate ? "rate " : "quota", limit.used,
                        limit.count, limit.text,
                        limit.down_to_reserve() ? fmt::format(", the last {} kept by reserve", limit.kept) : "");
  }
  for (const SliceUse& slice : relay.slices) {
    text += fmt::format("    fleet {} of {} used or granted; {} left here for {}  {}, {}\n", slice.fleet, slice.count,
                        slice.left, rough(slice.until - now), slice.text, counted(relay.hosts, "host"));
  }
  if (relay.connections != 0) text += fmt::format("    {} of {} connections\n", relay.open, relay.connections);
  return text;
}

std::string store_line(const StoreStatus& store, WallTime now, bool colour) {
  if (!store.asked) return fmt::format("fleet {}: not asked yet\n", store.url);
  if (store.answers) return fmt::format("fleet {}: {}\n", store.url, coloured("answers", Colour::Green, colour));
  return fmt::format("fleet {}: {} {}: {}\n", store.url, coloured("does not answer since", Colour::Red, colour),
                     rough(now - store.since), store.words);
}

std::string chain_line(const ChainConfig& chain) {
  std::string text;
  for (const auto& tier : chain.tiers)
    text += fmt::format("{}{}", text.empty() ? "" : " | ", fmt::join(tier, ", "));
  if (!chain.fallback.empty()) text += fmt::format(" || {}", fmt::join(chain.fallback, ", "));
  return fmt::format("chain {}: {}\n", chain.name, printable(text));
}

std::string unconfirmed_lines(const std::vector<MessageState>& messages, WallTime now) {
  if (messages.empty()) return "";
  std::string text = "\nunconfirmed: the dot was sent, no reply came\n";
  for (std::size_t i = 0; i < std::min(messages.size(), kShownMessages); ++i) {
    const MessageState& message = messages[i];
    text += fmt::format("    {} to {} by {}, {} ago\n", message.queue_id, message.recipient, printable(message.relay),
                        rough(now - message.at));
  }
  if (messages.size() > kShownMessages) text += fmt::format("    and {} more\n", messages.size() - kShownMessages);
  return text;
}

}  // namespace

std::string status_table(const StatusReport& report, bool colour) {
  std::string text;
  if (!report.trouble.empty()) text += fmt::format("{}\n\n", coloured(printable(report.trouble), Colour::Red, colour));
  for (const ChainConfig* const chain : report.chains)
    text += chain_line(*chain);
  if (report.store) text += store_line(*report.store, report.now, colour);
  if (!report.chains.empty() || report.store) text += "\n";
  if (report.relays.empty()) return text + "no relay is configured, and none was used yet\n";
  text += fmt::format("{:<20} {:<12} {:>7} {:>9} {:>9}\n", "relay", "state", "today", "ready", "accepted");
  for (const RelayStatus& relay : report.relays)
    text += relay_lines(relay, report.now, colour);
  return text + unconfirmed_lines(report.unconfirmed, report.now);
}

}  // namespace relaypipe
