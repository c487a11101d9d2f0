#include <fmt/format.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/printable.h"
#include "command/status/report.h"
#include "relay/reply_words.h"

namespace relaypipe {
namespace {

/// A label's value in the text format: backslash, quote and line end are escaped.
std::string label(std::string_view text) {
  std::string escaped;
  for (const char c : printable(text)) {
    if (c == '\\' || c == '"') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

/// A number that may not be known; then there is no sample, since 0 would be a claim.
using Known = std::optional<double>;

Known seconds(WallTime time) {
  if (time == kNever || time >= kFarFuture) return std::nullopt;
  return static_cast<double>(time.time_since_epoch().count()) / 1000;
}

Known seconds(const Average& average) {
  if (average.samples == 0) return std::nullopt;
  return average.value / 1000;
}

double days_until(WallTime end, WallTime now) {
  return std::chrono::duration<double, std::ratio<86'400>>(end - now).count();
}

/// A metric with its samples; nothing where there are none.
std::string metric(std::string_view name, std::string_view type, std::string_view help, const std::string& samples) {
  if (samples.empty()) return "";
  return fmt::format("# HELP relaypipe_{} {}\n# TYPE relaypipe_{} {}\n{}", name, help, name, type, samples);
}

/// One metric with at most a sample per relay.
std::string metric(const StatusReport& report, std::string_view name, std::string_view type, std::string_view help,
                   const std::function<Known(const RelayStatus&)>& value) {
  std::string samples;
  for (const RelayStatus& relay : report.relays) {
    const Known known = value(relay);
    if (known) samples += fmt::format("relaypipe_{}{{relay=\"{}\"}} {}\n", name, label(relay.name), *known);
  }
  return metric(name, type, help, samples);
}

std::string states(const StatusReport& report) {
  std::string text =
      "# HELP relaypipe_relay_state Whether the relay is in this state.\n# TYPE relaypipe_relay_state gauge\n";
  for (const RelayStatus& relay : report.relays) {
    for (const std::string_view state : {"up", "cooling-down", "due", "probing", "suspended", "unknown"}) {
      text += fmt::format("relaypipe_relay_state{{relay=\"{}\",state=\"{}\"}} {}\n", label(relay.name), state,
                          standing_name(relay) == state ? 1 : 0);
    }
  }
  return text;
}

std::string limits(const StatusReport& report, std::string_view name, std::string_view help, bool used) {
  std::string samples;
  for (const RelayStatus& relay : report.relays) {
    for (const LimitUse& limit : relay.limits) {
      samples += fmt::format("relaypipe_{}{{relay=\"{}\",limit=\"{}\"}} {}\n", name, label(relay.name),
                             label(limit.text), used ? limit.used : limit.count);
    }
  }
  return metric(name, "gauge", help, samples);
}

/// What went wrong, by cause, and how long tokens last.
std::string counted(const StatusReport& report) {
  std::string failed;
  for (const auto& [key, count] : report.counters.failed) {
    failed += fmt::format("relaypipe_relay_failed_total{{relay=\"{}\",cause=\"{}\"}} {}\n", label(key.first),
                          cause_name(key.second), count);
  }
  std::string deferred;
  for (const auto& [cause, count] : report.counters.deferred)
    deferred += fmt::format("relaypipe_deferred_total{{cause=\"{}\"}} {}\n", cause_name(cause), count);
  std::string text = metric("relay_failed_total", "counter", "Attempts that failed, by cause.", failed) +
                     metric("deferred_total", "counter", "Deliveries that were deferred, by cause.", deferred) +
                     metric("bounced_total", "counter", "Deliveries that were bounced.",
                            fmt::format("relaypipe_bounced_total {}\n", report.counters.bounced));
  std::string tokens;
  for (const TokenEnd& token : report.tokens) {
    tokens += fmt::format("relaypipe_token_days_left{{relay=\"{}\",token=\"{}\"}} {:.3f}\n", label(token.relay),
                          token.refresh ? "refresh" : "access", days_until(token.ends, report.now));
  }
  return text + metric("token_days_left", "gauge", "Days until an OAuth2 token ends.", tokens);
}

/// Of the fleet, as far as this host knows.
std::string fleet(const StatusReport& report) {
  if (!report.store) return "";
  std::string left;
  std::string used;
  for (const RelayStatus& relay : report.relays) {
    for (const SliceUse& slice : relay.slices) {
      const std::string labels = fmt::format("{{relay=\"{}\",limit=\"{}\"}}", label(relay.name), label(slice.text));
      left += fmt::format("relaypipe_fleet_slice_left{} {}\n", labels, slice.left);
      used += fmt::format("relaypipe_fleet_used{} {}\n", labels, slice.fleet);
    }
  }
  return metric("fleet_store_answers", "gauge", "Whether the fleet's store answered last.",
                fmt::format("relaypipe_fleet_store_answers {}\n", report.store->answers ? 1 : 0)) +
         metric("fleet_slice_left", "gauge", "What this host may still use of its slice of a quota.", left) +
         metric("fleet_used", "gauge", "What all hosts used or were granted, at the last answer.", used) +
         metric(report, "fleet_hosts", "gauge", "Hosts that use the relay, at the last answer.",
                [](const RelayStatus& relay) {
                  return relay.hosts == 0 ? std::nullopt : Known(static_cast<double>(relay.hosts));
                });
}

}  // namespace

std::string status_prometheus(const StatusReport& report) {
  std::string text = fmt::format(
      "# HELP relaypipe_state_working Whether what deliveries remember can be read.\n# TYPE relaypipe_state_working "
      "gauge\nrelaypipe_state_working {}\n"
      "# HELP relaypipe_unconfirmed_messages Messages whose dot had no reply.\n# TYPE relaypipe_unconfirmed_messages "
      "gauge\nrelaypipe_unconfirmed_messages {}\n",
      report.trouble.empty() ? 1 : 0, report.unconfirmed.size());
  text += counted(report) + fleet(report);
  if (report.relays.empty()) return text;
  text += states(report);
  text += metric(report, "relay_accepted_total", "counter", "Messages accepted by the relay.",
                 [](const RelayStatus& relay) { return static_cast<double>(relay.health.successes); });
  text += metric(report, "relay_failures", "gauge", "Failures in a row.", [](const RelayStatus& relay) {
    return static_cast<double>(relay.health.outage ? relay.health.outage->failures : 0);
  });
  text += metric(report, "relay_next_try_timestamp_seconds", "gauge", "When a relay that cools down is tried again.",
                 [](const RelayStatus& relay) {
                   return relay.health.outage ? seconds(relay.health.outage->until) : std::nullopt;
                 });
  text += metric(report, "relay_ready_seconds", "gauge", "Moving average from dialling to a ready session.",
                 [](const RelayStatus& relay) { return seconds(relay.health.ready); });
  text += metric(report, "relay_acceptance_seconds", "gauge", "Moving average from MAIL to the reply to the dot.",
                 [](const RelayStatus& relay) { return seconds(relay.health.accepted); });
  text += metric(report, "relay_certificate_days_left", "gauge",
                 "Days until the certificate ends that the relay showed last.", [&](const RelayStatus& relay) -> Known {
                   if (!relay.health.certificate_end) return std::nullopt;
                   return days_until(*relay.health.certificate_end, report.now);
                 });
  text += metric(report, "relay_open_deliveries", "gauge", "Deliveries that use the relay within its limits.",
                 [](const RelayStatus& relay) { return static_cast<double>(relay.open); });
  text += limits(report, "relay_limit_used", "How much of a rate or quota is used.", true);
  text += limits(report, "relay_limit_size", "How much a rate or quota allows.", false);
  return text;
}

}  // namespace relaypipe
