#include <fmt/format.h>

#include <functional>
#include <string>
#include <string_view>

#include "base/printable.h"
#include "frontend/status_report.h"

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

double seconds(WallTime time) {
  return time == kNever || time >= kFarFuture ? 0 : static_cast<double>(time.time_since_epoch().count()) / 1000;
}

/// One metric with a sample per relay.
std::string metric(const StatusReport& report, std::string_view name, std::string_view type, std::string_view help,
                   const std::function<double(const RelayStatus&)>& value) {
  std::string text = fmt::format("# HELP relaypipe_{} {}\n# TYPE relaypipe_{} {}\n", name, help, name, type);
  for (const RelayStatus& relay : report.relays)
    text += fmt::format("relaypipe_{}{{relay=\"{}\"}} {}\n", name, label(relay.name), value(relay));
  return text;
}

std::string states(const StatusReport& report) {
  std::string text =
      "# HELP relaypipe_relay_state Whether the relay is in this state.\n# TYPE relaypipe_relay_state gauge\n";
  for (const RelayStatus& relay : report.relays) {
    for (const std::string_view state : {"well", "resting", "due", "probing", "suspended", "unknown"}) {
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
  if (samples.empty()) return "";
  return fmt::format("# HELP relaypipe_{} {}\n# TYPE relaypipe_{} gauge\n{}", name, help, name, samples);
}

}  // namespace

std::string status_prometheus(const StatusReport& report) {
  std::string text = fmt::format(
      "# HELP relaypipe_memory_working Whether what deliveries remember can be read.\n# TYPE relaypipe_memory_working "
      "gauge\nrelaypipe_memory_working {}\n"
      "# HELP relaypipe_unconfirmed_messages Messages whose dot had no reply.\n# TYPE relaypipe_unconfirmed_messages "
      "gauge\nrelaypipe_unconfirmed_messages {}\n",
      report.trouble.empty() ? 1 : 0, report.unconfirmed.size());
  if (report.relays.empty()) return text;
  text += states(report);
  text += metric(report, "relay_accepted_total", "counter", "Messages accepted by the relay.",
                 [](const RelayStatus& relay) { return static_cast<double>(relay.health.successes); });
  text += metric(report, "relay_failures", "gauge", "Failures in a row.",
                 [](const RelayStatus& relay) { return static_cast<double>(relay.health.failures); });
  text += metric(report, "relay_next_try_timestamp_seconds", "gauge", "When a relay that rests is tried again, or 0.",
                 [](const RelayStatus& relay) { return seconds(relay.health.until); });
  text += metric(report, "relay_ready_seconds", "gauge", "Moving average from dialling to a ready session.",
                 [](const RelayStatus& relay) { return relay.health.ready.value / 1000; });
  text += metric(report, "relay_acceptance_seconds", "gauge", "Moving average from MAIL to the reply to the dot.",
                 [](const RelayStatus& relay) { return relay.health.accepted.value / 1000; });
  text += metric(report, "relay_open_deliveries", "gauge", "Deliveries that use the relay within its limits.",
                 [](const RelayStatus& relay) { return static_cast<double>(relay.open); });
  text += limits(report, "relay_limit_used", "How much of a rate or quota is used.", true);
  text += limits(report, "relay_limit_size", "How much a rate or quota allows.", false);
  return text;
}

}  // namespace relaypipe
