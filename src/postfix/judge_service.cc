#include "postfix/judge_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/printable.h"
#include "postfix/agent_argv.h"
#include "relay/units.h"

namespace relaypipe {
namespace {

using Severity = PostfixFinding::Severity;

/// A delivery ends by its deadline, but waits up to ten seconds more for the reply to a dot that was sent; the rest is
/// for a busy machine.
constexpr Duration kMargin = std::chrono::minutes(1);
constexpr Duration kUsualLimit = std::chrono::hours(1);

struct FlagHarm {
  char flag;
  Severity severity;
  std::string_view effect;
};

/// The flags of pipe(8) but `q`: they are for delivery into a mailbox.
constexpr std::array<FlagHarm, 10> kHarm = {{
    {'D', Severity::Error, "adds Delivered-To, and bounces mail that has it already"},
    {'O', Severity::Warning, "adds X-Original-To"},
    {'R', Severity::Warning, "adds Return-Path"},
    {'F', Severity::Error, "puts a line that is not a header before the header"},
    {'B', Severity::Warning, "adds an empty line at the end"},
    {'>', Severity::Error, "changes lines that begin with From"},
    {'.', Severity::Error, "doubles leading dots, which SMTP does once more"},
    {'X', Severity::Warning, "reports mail as delivered that was relayed"},
    {'h', Severity::Warning, "lower-cases the nexthop, and with it the names of chains"},
    {'u', Severity::Error, "lower-cases local parts, which may mean another mailbox"},
}};

class ServiceJudge {
 public:
  ServiceJudge(const MasterService& service, const PipeCommand& command, const ServiceFacts& facts)
      : service_(service), command_(command), fixed_(command), facts_(facts) {}

  std::vector<PostfixFinding> judge() {
    findings_ = judge_columns(service_, facts_.postconf, facts_.compatibility);
    judge_flags();
    judge_null_sender();
    judge_other_attributes();
    judge_written_user();
    judge_argv();
    for (std::string& text : judge_misplaced(facts_.misplaced, fixed_))
      add_in_command(Severity::Error, std::move(text));
    judge_name();
    judge_limits();
    judge_filter();
    // Only now is it known how the whole command has to be.
    const std::string command = edit("-F", service_.key() + "/command=" + fixed_.text());
    for (PostfixFinding& finding : in_command_)
      finding.fix = command;
    // Findings with the same line side by side, so that it can stand below them.
    findings_.insert(findings_.begin(), in_command_.begin(), in_command_.end());
    return std::move(findings_);
  }

 private:
  [[nodiscard]] std::string edit(std::string_view option, const std::string& assignment) const {
    return fmt::format("{} {} {}", facts_.postconf, option, shell_word(assignment));
  }

  void add(Severity severity, std::string text, std::string fix) {
    findings_.push_back({severity, service_.key(), std::move(text), std::move(fix)});
  }

  /// A finding that is fixed in the command.
  void add_in_command(Severity severity, std::string text) {
    in_command_.push_back({severity, service_.key(), std::move(text), ""});
  }

  void judge_flags() {
    const std::string flags = command_.attribute("flags").value_or("");
    std::string effect;
    Severity worst = Severity::Warning;
    for (const char flag : flags) {
      const auto known = std::find_if(kHarm.begin(), kHarm.end(), [&](const FlagHarm& h) { return h.flag == flag; });
      if (flag == 'q') continue;
      const bool unknown = known == kHarm.end();
      if (unknown || known->severity == Severity::Error) worst = Severity::Error;
      effect += fmt::format("{}{} {}", effect.empty() ? "" : "; ", printable(std::string(1, flag)),
                            unknown ? "is not a flag of pipe(8), which does not start" : known->effect);
    }
    if (!effect.empty()) add_in_command(worst, fmt::format("flags={}: {}", printable(flags), effect));
    if (flags.find('q') == flags.npos) {
      add_in_command(Severity::Warning, "flags has no q: addresses that need quotes arrive without them");
    }
    fixed_.set_attribute("flags", "q");
  }

  void judge_null_sender() {
    const auto value = command_.attribute("null_sender");
    if (value && value->empty()) return;
    fixed_.set_attribute("null_sender", "");
    if (!value || *value == "MAILER-DAEMON") {
      return add_in_command(Severity::Warning,
                            "null_sender is not empty: bounces come with the sender MAILER-DAEMON, which "
                            "relaypipe has to take for the null sender");
    }
    add_in_command(Severity::Error,
                   fmt::format("null_sender is {} and has to be empty: bounces go out with that sender, "
                               "and may be bounced themselves",
                               printable(*value)));
  }

  void judge_other_attributes() {
    if (const auto root = command_.attribute("chroot")) {
      fixed_.drop_attribute("chroot");
      add_in_command(Severity::Warning,
                     fmt::format("chroot={}: certificates, resolv.conf and all files of relaypipe are "
                                 "looked for in there",
                                 printable(*root)));
    }
    const auto end = command_.attribute("eol");
    if (end && *end != "\\n") {
      fixed_.drop_attribute("eol");
      add_in_command(Severity::Error, fmt::format("eol={}: relaypipe expects lines that end in LF", printable(*end)));
    }
  }

  void judge_written_user() {
    const auto problem = judge_user("pipe(8)", command_.attribute("user").value_or(""), facts_.user, facts_.owner);
    if (!problem) return;
    if (!problem->in_command) return add(Severity::Error, problem->text, problem->fix);
    fixed_.set_attribute("user", "relaypipe");
    add_in_command(Severity::Error, problem->text);
  }

  void judge_argv() {
    const AgentArgv argv = parse_agent_argv(command_.argv);
    for (PostfixFinding& finding : judge_agent_argv(argv))
      add_in_command(finding.severity, std::move(finding.text));
    fixed_.argv = fixed_agent_argv(argv).words();
  }

  void judge_name() {
    const auto problem = judge_ehlo_name(facts_, fixed_);
    if (!problem) return;
    if (problem->in_command) return add_in_command(Severity::Warning, problem->text);
    add(Severity::Warning, problem->text, "");
  }

  void judge_limits() {
    judge_recipient_limit();
    const auto time = parse_postfix_time(facts_.time_limit);
    const Duration needed = facts_.deadline + kMargin;
    if (time && *time >= needed) return;
    const Duration enough = std::max(kUsualLimit, needed);
    const std::string name = service_.name + "_time_limit";
    const std::string value = fmt::format("{}s", std::chrono::duration_cast<std::chrono::seconds>(enough).count());
    const std::string assignment = name + "=" + value;
    // Written in master.cf it holds for pipe(8) whatever main.cf says.
    const bool here = command_.has_option(name);
    if (here) fixed_.set_option(name, value);
    add(Severity::Error,
        fmt::format("{} is {}, the deadline of relaypipe is {}: Postfix kills and bounces what takes longer", name,
                    printable(facts_.time_limit), format_duration(facts_.deadline)),
        here ? edit("-P", service_.key() + "/" + assignment) : edit("-e", assignment));
  }

  void judge_recipient_limit() {
    const std::string limit = service_.name + "_destination_recipient_limit";
    const auto set_to = [&](std::string_view value) {
      const std::string& holder = facts_.recipient_limit_holder;
      const std::string assignment = fmt::format("{}={}", limit, value);
      return holder.empty() ? edit("-e", assignment) : edit("-P", holder + "/" + assignment);
    };
    const bool one = facts_.recipient_limit == "1";
    if (one && !facts_.header_chain.empty()) {
      add(Severity::Warning,
          fmt::format("{} is 1: the relays of chain {} write to whom the header of a message names, and take one to "
                      "several recipients only as a whole, so it waits for ever; relaypipe lmtp gives a result to each",
                      limit, facts_.header_chain),
          set_to("50"));
    }
    // With such relays beside others it is for a person to decide.
    if (one || facts_.header_relays) return;
    add(Severity::Warning,
        fmt::format("{} is {}: pipe(8) takes one result for all recipients of a request, so one that is refused holds "
                    "the others up",
                    limit, printable(facts_.recipient_limit)),
        set_to("1"));
  }

  void judge_filter() {
    if (facts_.failures_deferred) return;
    constexpr std::string_view kName = "pipe_delivery_status_filter";
    const std::string value = std::string(kSofteningFilter) + (facts_.filter.empty() ? "" : ", " + facts_.filter);
    fixed_.set_option(kName, value);
    // In the command: `postconf -P` takes no value with blanks.
    add_in_command(
        Severity::Error,
        fmt::format("{} does not defer \"Command died with status 127\" and \"Command time limit exceeded\": "
                    "a missing shared library would bounce mail",
                    kName));
  }

  const MasterService& service_;
  const PipeCommand& command_;
  PipeCommand fixed_;
  const ServiceFacts& facts_;
  std::vector<PostfixFinding> findings_;
  std::vector<PostfixFinding> in_command_;  ///< those of the command
};

}  // namespace

std::vector<PostfixFinding> judge_service(const MasterService& service, const PipeCommand& command,
                                          const ServiceFacts& facts) {
  return ServiceJudge(service, command, facts).judge();
}

}  // namespace relaypipe
