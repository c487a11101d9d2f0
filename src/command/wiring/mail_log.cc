#include "command/wiring/mail_log.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/printable.h"
#include "io/system/change_hook.h"
#include "io/system/local_time.h"

namespace relaypipe {
namespace {

constexpr std::size_t kMostWaiting = 1U << 18U;  ///< octets kept for postlog; more lines are dropped

bool can_run(const std::string& postlog) {
  struct stat status {};
  return stat(postlog.c_str(), &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & S_ISGID) != 0 &&
         access(postlog.c_str(), X_OK) == 0;
}

}  // namespace

MailLog::MailLog(const RunSettings& settings, std::string postlog)
    : ident_(settings.syslog_ident),
      file_(settings.log_file, settings.syslog_ident),
      syslog_(settings.syslog_socket, settings.syslog_ident),
      postlog_(std::move(postlog)) {}

MailLog::~MailLog() { hand_over(); }

void MailLog::hand_over() {
  if (!waiting_.empty() && can_run(postlog_)) run_detached({postlog_, "-i", "-p", "info", "-t", ident_}, waiting_);
  waiting_.clear();
}

void MailLog::renew() {
  hand_over();
  file_.renew();
  syslog_.renew();
}

void MailLog::line(Level level, std::string_view in_utc) {
  const std::string text = with_local_times(std::string(in_utc));
  if (file_.line(text) || syslog_.line(level, text)) return;
  if (waiting_.size() + text.size() < kMostWaiting) waiting_ += printable(text) + "\n";
}

std::optional<std::string> log_problem(const RunSettings& settings, const std::string& postlog) {
  const bool daemon = SyslogJournal(settings.syslog_socket, settings.syslog_ident).reachable();
  if (settings.log_file.empty()) {
    if (daemon || can_run(postlog)) return std::nullopt;
    return fmt::format(
        "syslog_socket {}: nobody listens there; nothing is logged: write for example log_file = "
        "\"/var/log/relaypipe.log\"",
        printable(settings.syslog_socket));
  }
  const auto opened = SyslogFile(settings.log_file, settings.syslog_ident).open();
  if (opened) return std::nullopt;
  return fmt::format("log_file {}: {}; {}", printable(settings.log_file), opened.error(),
                     daemon             ? "the lines go to the system's log instead"
                     : can_run(postlog) ? "the lines go to postlog(1) instead"
                                        : "nothing is logged, since nobody listens at syslog_socket either");
}

}  // namespace relaypipe
