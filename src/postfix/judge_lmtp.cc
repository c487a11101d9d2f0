#include "postfix/judge_lmtp.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/printable.h"
#include "postfix/agent_argv.h"
#include "relay/units.h"

namespace relaypipe {
namespace {

using Severity = PostfixFinding::Severity;

constexpr Duration kMargin = std::chrono::minutes(1);  // for a busy machine
/// What the queue manager knows by the name of the service, and lmtp(8) by its own.
constexpr std::string_view kConcurrency = "_destination_concurrency_limit";
constexpr std::string_view kRecipients = "_destination_recipient_limit";
constexpr std::string_view kReuse = "lmtp_connection_reuse_time_limit";
constexpr std::string_view kDone = "lmtp_data_done_timeout";
constexpr std::string_view kCached = "lmtp_connection_cache_destinations";

bool holds_word(std::string_view list, std::string_view word) {
  const std::vector<std::string> words = split_postfix_words(list, true);
  return std::any_of(words.begin(), words.end(), [&](const std::string& each) { return lower(each) == word; });
}

/// A value that one parameter must not have.
struct ClientRule {
  std::string_view parameter;
  bool (*wrong)(std::string_view value);
  Severity severity;
  std::string_view effect;
  std::string_view right;  ///< the value for `postconf -e`; empty: a person has to decide
};

constexpr std::array<ClientRule, 6> kClientRules = {{
    {"lmtp_send_xforward_command", [](std::string_view value) { return value != "yes"; }, Severity::Warning,
     "relaypipe is told neither queue ids, for the log and against duplicates, nor clients, for policies and reports",
     "yes"},
    {"lmtp_address_verify_target", [](std::string_view value) { return value != "rcpt"; }, Severity::Error,
     "address probes take the beginning of a message for a good answer: every address is deliverable", "rcpt"},
    {kRecipients, [](std::string_view value) { return value == "1"; }, Severity::Warning,
     "a message to many recipients is a transaction for each of them", "50"},
    {"lmtp_discard_lhlo_keywords", [](std::string_view value) { return holds_word(value, "pipelining"); },
     Severity::Warning, "each recipient is asked for at a relay before the message is sent", ""},
    {"lmtp_discard_lhlo_keywords", [](std::string_view value) { return holds_word(value, "smtputf8"); },
     Severity::Error, "mail with addresses or headers in UTF-8 bounces", ""},
    {"lmtp_assume_final", [](std::string_view value) { return value == "yes"; }, Severity::Warning,
     "mail that was relayed is reported as delivered", "no"},
}};

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// The parameter as it is called for the client.
std::string named_for(const std::string& client, std::string_view parameter) {
  return (parameter.starts_with('_') ? client : "") + std::string(parameter);
}

std::string in_seconds(Duration time) {
  return fmt::format("{}s", std::chrono::duration_cast<std::chrono::seconds>(time).count());
}

class LmtpJudge {
 public:
  LmtpJudge(const MasterService& service, const PipeCommand& command, const LmtpFacts& facts)
      : service_(service), command_(command), fixed_(command), facts_(facts) {}

  std::vector<PostfixFinding> judge() {
    findings_ = judge_columns(service_, facts_.postconf, facts_.compatibility);
    judge_type();
    judge_written_user();
    judge_argv();
    for (std::string& text : judge_misplaced(facts_.misplaced, fixed_))
      add_in_command(Severity::Error, std::move(text));
    judge_name();
    judge_time_limit();
    judge_concurrency();
    judge_client();
    judge_cache();
    // Only now is it known how the whole command has to be.
    for (PostfixFinding& finding : in_command_)
      finding.fix = edit("-F", service_.key() + "/command=" + fixed_.text());
    findings_.insert(findings_.begin(), in_command_.begin(), in_command_.end());
    return std::move(findings_);
  }

 private:
  [[nodiscard]] std::string edit(std::string_view option, const std::string& assignment) const {
    return fmt::format("{} {} {}", facts_.postconf, option, shell_word(assignment));
  }
  /// Sets a parameter of the client where its value comes from.
  [[nodiscard]] std::string set(std::string_view parameter, std::string_view value) const {
    const std::string name = named_for(facts_.client, parameter);
    const std::string holder = value_of(facts_.holders, name);
    return holder.empty() ? edit("-e", fmt::format("{}={}", name, value))
                          : edit("-P", fmt::format("{}/{}={}", holder, name, value));
  }
  [[nodiscard]] std::string value(std::string_view parameter) const {
    return value_of(facts_.values, named_for(facts_.client, parameter));
  }

  void add(Severity severity, std::string where, std::string text, std::string fix) {
    findings_.push_back({severity, std::move(where), std::move(text), std::move(fix)});
  }
  /// A finding that is fixed in the command.
  void add_in_command(Severity severity, std::string text) {
    in_command_.push_back({severity, service_.key(), std::move(text), ""});
  }

  void judge_type() {
    if (service_.type == "unix") return;
    const std::string_view name = service_.name;
    const bool local = name.starts_with("127.") || name.starts_with("[::1]:") || name.starts_with("localhost:");
    add(local ? Severity::Warning : Severity::Error, service_.key(),
        local ? "everybody on this machine can send mail through the relays, past Postfix: type unix cannot be reached"
              : "whoever reaches this port sends mail through the relays, past Postfix: it has to be of type unix",
        "");
  }

  void judge_written_user() {
    const auto problem = judge_user("spawn(8)", command_.attribute("user").value_or(""), facts_.user, facts_.owner);
    if (!problem) return;
    if (!problem->in_command) return add(Severity::Error, service_.key(), problem->text, problem->fix);
    fixed_.set_attribute("user", "relaypipe");
    add_in_command(Severity::Error, problem->text);
  }

  void judge_name() {
    const auto problem = judge_ehlo_name(facts_, fixed_);
    if (!problem) return;
    if (problem->in_command) return add_in_command(Severity::Warning, problem->text);
    add(Severity::Warning, service_.key(), problem->text, "");
  }

  void judge_argv() {
    const AgentArgv argv = parse_agent_argv(command_.argv);
    const AgentArgv::Option* const nexthop = argv.find("--nexthop");
    if (nexthop == nullptr || nexthop->value.empty()) {
      add(Severity::Error, service_.key(),
          "argv has no --nexthop NAME: LMTP does not tell where mail goes, and all of it is deferred", "");
    }
    for (const std::string& word : command_.argv) {
      if (word.find('$') == word.npos) continue;
      add(Severity::Error, service_.key(),
          fmt::format("argv has {}: spawn(8) puts nothing in its place, as pipe(8) would", printable(word)), "");
    }
  }

  /// A process takes messages as long as lmtp(8) uses its connection again, but not for ever, and the last one may take
  /// the deadline.
  void judge_time_limit() {
    const auto time = parse_postfix_time(facts_.time_limit);
    const Duration use = std::min(parse_postfix_time(value(kReuse)).value_or(facts_.longest_use), facts_.longest_use);
    const Duration needed = use + facts_.deadline + kMargin;
    if (time && *time >= needed) return;
    const std::string name = service_.name + "_time_limit";
    const std::string enough = in_seconds(std::max<Duration>(needed, std::chrono::hours(1)));
    const std::string assignment = name + "=" + enough;
    // Written in master.cf it holds for spawn(8) whatever main.cf says.
    const bool here = command_.has_option(name);
    if (here) fixed_.set_option(name, enough);
    add(Severity::Error, service_.key(),
        fmt::format("{} is {}, but a connection is used again for {}, and its last message may take {}: a process that "
                    "is killed then sends mail twice",
                    name, printable(facts_.time_limit), format_duration(use), format_duration(facts_.deadline)),
        here ? edit("-P", service_.key() + "/" + assignment) : edit("-e", assignment));
  }

  void judge_concurrency() {
    const std::string& written = service_.process_limit;
    const auto processes = parse_number(written == "-" ? facts_.process_limit : written);
    const auto deliveries = parse_number(value(kConcurrency));
    if (!processes || !deliveries || *processes == 0 || (*deliveries != 0 && *deliveries <= *processes)) return;
    add(Severity::Warning, service_.key(),
        fmt::format("maxproc is {}, {} is {}: deliveries wait for a process, and time out", written,
                    named_for(facts_.client, kConcurrency), *deliveries),
        *deliveries == 0 ? set(kConcurrency, fmt::format("{}", *processes))
                         : edit("-F", fmt::format("{}/process_limit={}", service_.key(), *deliveries)));
  }

  void judge_client() {
    for (const ClientRule& rule : kClientRules) {
      const std::string value = this->value(rule.parameter);
      if (!rule.wrong(value)) continue;
      add(rule.severity, named_for(facts_.client, rule.parameter),
          fmt::format("{}: {}", value.empty() ? "not set" : printable(value), rule.effect),
          rule.right.empty() ? "" : set(rule.parameter, rule.right));
    }
    const auto done = parse_postfix_time(value(kDone));
    const Duration needed = facts_.deadline + kMargin;
    if (done && *done >= needed) return;
    add(Severity::Error, std::string(kDone),
        fmt::format("{}, the deadline of relaypipe is {}: lmtp(8) gives up before it, and mail is sent twice",
                    printable(value(kDone)), format_duration(facts_.deadline)),
        set(kDone, in_seconds(needed)));
  }

  /// Without this lmtp(8) keeps a connection only while the queue manager sees deliveries waiting for the destination:
  /// 400 messages, ten at a time, took 146 connections, and 11 with it (3.7).
  void judge_cache() {
    const std::string path = (service_.is_private == "n" ? "public/" : "private/") + service_.name;
    const std::string kept = value(kCached);
    // A table or a file may name it.
    const bool elsewhere = kept.find(':') != kept.npos || kept.starts_with('/');
    if (service_.type != "unix" || elsewhere || holds_word(kept, lower(path))) return;
    // Without blanks, which `postconf -P` does not take.
    std::string all;
    for (const std::string& word : split_postfix_words(kept, true))
      all += word + ",";
    add(Severity::Warning, std::string(kCached),
        fmt::format("{}: {} is not in it, so most messages get a process and sessions to relays of their own",
                    kept.empty() ? "empty" : printable(kept), path),
        set(kCached, all + path));
  }

  const MasterService& service_;
  const PipeCommand& command_;
  PipeCommand fixed_;
  const LmtpFacts& facts_;
  std::vector<PostfixFinding> findings_;
  std::vector<PostfixFinding> in_command_;  ///< those of the command
};

}  // namespace

std::vector<std::string> lmtp_parameters(const std::string& client) {
  std::vector<std::string> names{named_for(client, kConcurrency), std::string(kReuse), std::string(kDone),
                                 std::string(kCached)};
  names.reserve(names.size() + kClientRules.size());
  for (const ClientRule& rule : kClientRules)
    names.push_back(named_for(client, rule.parameter));
  return names;
}

std::vector<PostfixFinding> judge_lmtp_service(const MasterService& service, const PipeCommand& command,
                                               const LmtpFacts& facts) {
  return LmtpJudge(service, command, facts).judge();
}

}  // namespace relaypipe
