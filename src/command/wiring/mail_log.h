#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/journal.h"
#include "io/system/syslog_file.h"
#include "io/system/syslog_journal.h"
#include "relay/run_settings.h"

namespace relaypipe {

inline constexpr const char* kPostlogProgram = "/usr/sbin/postlog";

/// Our log: `log_file` where one is set; else, or where it cannot be written, the syslog daemon; else, where nobody
/// listens at its socket (containers), Postfix's own log by way of postlog(1). Times are local.
///
/// Lines for postlog(1) are handed over together by the destructor or renew(), to a process that nobody waits for: by
/// then Postfix has the result. It is run only where it is set-group-ID (Postfix 3.7 and later, where the packager left
/// it so); otherwise it may not reach postlogd(8).
class MailLog final : public Journal {
 public:
  explicit MailLog(const RunSettings& settings, std::string postlog = kPostlogProgram);
  ~MailLog() override;
  MailLog(const MailLog&) = delete;
  MailLog& operator=(const MailLog&) = delete;

  void line(Level level, std::string_view text) override;
  /// For a process that goes on: hands over what waits for postlog(1), and looks for the log anew, since the file may
  /// have been moved away and the daemon restarted.
  void renew();

 private:
  void hand_over();

  std::string ident_;
  SyslogFile file_;
  SyslogJournal syslog_;
  std::string postlog_;
  std::string waiting_;  ///< lines for postlog
};

/// Why the present user's lines would be lost, or go another way than the configuration says, as a sentence that begins
/// with the key; nothing where all is well.
std::optional<std::string> log_problem(const RunSettings& settings, const std::string& postlog = kPostlogProgram);

}  // namespace relaypipe
