#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "io/base/unique_fd.h"

namespace relaypipe {

/// A log file, with lines in the form in which syslog daemons and postlogd(8) write them.
///
/// Each line is one write(2) in append mode, so that deliveries that run side by side do not mix theirs; each delivery
/// opens the file anew, so that it can be rotated. Standard input, output and error are refused under whatever name:
/// under pipe(8) they are what Postfix reads the result from.
class SyslogFile {
 public:
  SyslogFile(std::string path, std::string ident) : path_(std::move(path)), ident_(std::move(ident)) {}

  /// Whether it can be written to, as far as opening it tells; the error is a phrase. root makes no file, since
  /// deliveries could not write to it afterwards.
  Result<bool, std::string> open();

  /// Appends a line; false where that failed.
  bool line(std::string_view text);
  /// The next line looks for the file anew.
  void renew() {
    file_.reset();
    failed_ = false;
  }

 private:
  std::string path_;
  std::string ident_;
  UniqueFd file_;
  bool failed_ = false;
};

}  // namespace relaypipe
