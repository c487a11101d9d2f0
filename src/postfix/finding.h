#pragma once

#include <string>
#include <vector>

namespace relaypipe {

/// Something in the configuration of Postfix that does not fit relaypipe.
struct PostfixFinding {
  enum class Severity {
    Warning,  ///< worse than it could be
    Error,    ///< mail would wait, bounce, change or get lost
  } severity = Severity::Error;
  std::string where;  ///< a service (`relaypipe/unix`), a parameter, a table, or a file
  std::string text;   ///< what is wrong, and what follows from it
  std::string fix;    ///< the line for a shell that puts it right; empty where a person has to decide

  friend bool operator==(const PostfixFinding&, const PostfixFinding&) = default;
};

}  // namespace relaypipe
