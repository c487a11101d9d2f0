#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/configuration.h"
#include "frontend/arguments.h"
#include "message/envelope.h"
#include "verdict/verdict.h"

namespace relaypipe {

/// The configuration a command works with, and what is wrong with it.
struct LoadedConfiguration {
  std::string file;  ///< the file that was read, or would have been
  Configuration configuration;
  std::vector<ConfigProblem> problems;

  /// The first error, as one line; nothing where there are only warnings.
  [[nodiscard]] std::optional<std::string> first_error() const;
};

/// Reads the file of `--config` (or the usual one, if there is one) and puts the `-o` settings above it. A wrong `-o`
/// is a problem too.
LoadedConfiguration load(const CommonArguments& arguments);

/// A bad configuration or command line: deferred as 4.3.5.
Verdict bad_configuration(const std::string& text);

/// The envelope in the words of the command line. A bad address is its own fault and hard (5.1.3, 5.1.7); with several
/// recipients one result serves all, so a single bad one defers.
Result<Envelope, Verdict> read_envelope(const std::optional<std::string>& sender,
                                        const std::vector<std::string>& recipients,
                                        const std::optional<std::string>& size);

}  // namespace relaypipe
