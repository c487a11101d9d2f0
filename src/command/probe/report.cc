#include "command/probe/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

#include "base/printable.h"
#include "command/probe/other_ports.h"
#include "command/wiring/text.h"
#include "smtp/capabilities.h"
#include "verdict/classify.h"

namespace relaypipe {
namespace {

constexpr std::size_t kIndent = 8;
constexpr std::size_t kGreetingOctets = 70;

/// The page that the report is written on.
struct Page {
  std::size_t columns;  ///< 0: a file or a pipe, without colours

  [[nodiscard]] std::string mark(ProbeStatus status) const {
    const Colour colour = status == ProbeStatus::Fine      ? Colour::Green
                          : status == ProbeStatus::Warning ? Colour::Yellow
                                                           : Colour::Red;
    return coloured(fmt::format("{:<4}", word_of(status)), colour, columns != 0);
  }
};

std::string milliseconds(Duration span) {
  const auto ms = std::chrono::duration<double, std::milli>(span).count();
  return ms < 10 ? fmt::format("{:.1f} ms", ms) : fmt::format("{:.0f} ms", ms);
}

std::string steps_of(const AddressProbe& address) {
  std::string text;
  for (const auto& [stage, took] : address.steps)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name(stage), milliseconds(took));
  return text;
}

std::string tls_of(const RelayProbe& relay, const AddressProbe& address, std::int64_t now) {
  if (!address.tls) {
    const bool greeted = !address.failure && address.warnings.empty();
    return greeted && relay.relay.settings->tls != TlsLevel::None ? "no TLS offered: clear text" : "";
  }
  const TlsReport& tls = *address.tls;
  std::string spoken = tls.version.empty() ? "TLS not established" : fmt::format("{} {}", tls.version, tls.cipher);
  if (tls.names.empty()) return spoken;
  const std::int64_t days = days_left(tls, now);
  const std::string left = days < 0 ? fmt::format("ended {} days ago", -days) : fmt::format("{} days left", days);
  return fmt::format("{}; certificate of {} by {}, {}", spoken, fmt::join(tls.names, " "), tls.issuer, left);
}

/// Which mechanism worked, and as whom.
std::string auth_text(const RelayProbe& relay, const AddressProbe& address) {
  const std::string_view what = relay.relay.destination.https ? "credentials" : "AUTH";
  std::string text = fmt::format("{} {}", what, auth_of(relay, address));
  const SessionFacts& facts = address.facts;
  if (facts.sasl_mechanism.empty()) return text;
  return fmt::format("{}: {} as {}", text, printable(facts.sasl_mechanism), printable(facts.sasl_username));
}

std::string address_text(const RelayProbe& relay, const AddressProbe& address, std::int64_t now, const Page& page) {
  std::string text =
      fmt::format("  {}  {}  {}\n", page.mark(address.status()), address.peer.text(), milliseconds(address.total));
  if (address.failure) text += wrapped(describe(*address.failure), kIndent, page.columns);
  for (const std::string& warning : address.warnings)
    text += wrapped(warning, kIndent, page.columns);
  if (!address.steps.empty()) text += wrapped(steps_of(address), kIndent, page.columns);
  if (!address.greeting.empty())
    text += wrapped("220 " + std::string(clip(address.greeting, kGreetingOctets)), kIndent, page.columns);
  const std::string tls = tls_of(relay, address, now);
  if (!tls.empty()) text += wrapped(tls, kIndent, page.columns);
  if (!address.offers.empty())
    text += wrapped(fmt::format("offers {}", fmt::join(address.offers, ", ")), kIndent, page.columns);
  if (relay.relay.account.any()) text += wrapped(auth_text(relay, address), kIndent, page.columns);
  if (!address.account.empty()) text += wrapped("account: " + address.account, kIndent, page.columns);
  if (!address.mail.empty()) text += wrapped("MAIL FROM: " + address.mail, kIndent, page.columns);
  if (!address.rcpt.empty()) text += wrapped("RCPT TO: " + address.rcpt, kIndent, page.columns);
  return text;
}

/// Why a relay would fail, in short.
std::string reason(const RelayProbe& relay) {
  if (relay.unresolved) return describe_briefly(*relay.unresolved);
  for (const AddressProbe& address : relay.addresses) {
    if (address.failure) return describe_briefly(*address.failure);
  }
  return "it has no address";
}

std::string relay_text(const RelayProbe& relay, std::int64_t now, const Page& page) {
  const std::string& destination = relay.relay.destination.text;
  const std::string name = relay.relay.name == destination ? destination : relay.relay.name + "  " + destination;
  std::string text = fmt::format("{}  {}\n", page.mark(relay.status()), bold(printable(name), page.columns != 0));
  const std::string found =
      relay.addresses.size() == 1 ? "1 address" : fmt::format("{} addresses", relay.addresses.size());
  if (relay.unresolved)
    text += wrapped(describe(*relay.unresolved), 6, page.columns);
  else
    text += wrapped(fmt::format("{}, looked up in {}", found, milliseconds(relay.lookup)), 6, page.columns);
  for (const AddressProbe& address : relay.addresses)
    text += address_text(relay, address, now, page);
  if (const std::string other_ports = other_ports_text(relay); !other_ports.empty())
    text += wrapped(other_ports, 6, page.columns);
  return text;
}

}  // namespace

std::int64_t days_left(const TlsReport& tls, std::int64_t now) {
  constexpr std::int64_t kDay = 24L * 3600;
  const std::int64_t left = tls.not_after - now;
  return left >= 0 ? left / kDay : -((-left + kDay - 1) / kDay);
}

std::string_view word_of(ProbeStatus status) {
  switch (status) {
    case ProbeStatus::Fine: return "ok";
    case ProbeStatus::Warning: return "warn";
    case ProbeStatus::Failed: break;
  }
  return "FAIL";
}

std::string_view auth_of(const RelayProbe& relay, const AddressProbe& address) {
  if (!relay.relay.account.any()) return "not configured";
  const auto* const unreached = address.failure ? std::get_if<SessionFailure>(&address.failure->what) : nullptr;
  if (unreached != nullptr) {
    const bool refused = unreached->stage == Stage::Auth || unreached->error == SessionError::AuthRefused;
    const bool taken = unreached->stage == Stage::Request && !refused;
    return refused ? "failed" : taken ? "works" : "not reached";
  }
  return address.auth_tried ? "works" : "not configured";
}

std::string probe_text(const std::vector<RelayProbe>& probes, std::int64_t now, std::size_t columns) {
  const Page page{columns};
  std::string text;
  std::string failed;
  std::size_t counts[3] = {};
  for (const RelayProbe& relay : probes) {
    text += relay_text(relay, now, page) + "\n";
    ++counts[static_cast<std::size_t>(relay.status())];
    if (relay.status() == ProbeStatus::Failed)
      failed += wrapped(fmt::format("{} would fail: {}", printable(relay.relay.name), reason(relay)), 0, page.columns);
  }
  return text +
         fmt::format("{}: {} ok, {} with warnings, {} would fail\n", counted(probes.size(), "relay"), counts[0],
                     counts[1], counts[2]) +
         failed;
}

}  // namespace relaypipe
