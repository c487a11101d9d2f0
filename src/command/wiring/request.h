#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/journal.h"
#include "base/result.h"
#include "command/wiring/options.h"
#include "config/configuration.h"
#include "io/system/parent_watch.h"
#include "io/toml_config.h"
#include "message/envelope.h"
#include "route/plan.h"
#include "verdict/verdict.h"

namespace relaypipe {

/// The configuration a command works with, and what is wrong with it.
struct LoadedConfiguration {
  std::string file;  ///< the file that was read, or would have been
  Configuration configuration;
  std::vector<ConfigProblem> problems;
  std::vector<Document> documents;  ///< the files themselves: which line says what (config/key_places.h)
  bool own_name = false;            ///< the EHLO name is the machine's: none is configured
  std::string acting_as;            ///< the user that root has become, see deliverer.h; empty where nothing changed
};

/// Reads the file of `--config` (or the usual one, if there is one) and puts the `-o` settings above it. A wrong `-o`
/// is a problem too.
LoadedConfiguration load(const CommonArguments& arguments, ConfigOwners owners = ConfigOwners::Trusted);

/// The first error of a configuration, with the way to see all of them; nothing where there is none.
std::optional<std::string> configuration_error(const LoadedConfiguration& loaded);

/// The nexthop a message takes after its chain's policy server was asked, and what that server did, in words for a
/// person or the log.
struct Choice {
  std::string nexthop;
  std::string note;      ///< empty where no server was asked
  bool trouble = false;  ///< the server is not there or talks nonsense: the chain is used as it is
};

/// Follows the rules of the chains and asks the policy server of the one they lead to, once. The chain that a server
/// names is used with its own rules, but its server is not asked. A server that does not answer changes nothing: a
/// choice that cannot be made is no reason to keep mail. The Verdict is the server's DEFER or REJECT.
///
/// The server has until `deadline` at most. A signal, or the end of pipe(8), ends the wait with the chain as it is:
/// what becomes of the message is said by deliver(), which looks at the same `parent` before anything else. `parent` is
/// null for a command by hand, which a signal ends by itself.
Result<Choice, Verdict> choose_nexthop(const Configuration& configuration, const std::string& nexthop,
                                       const Envelope& envelope, Instant deadline, ParentWatch* parent);

/// The plan for a message: its nexthop is chosen as above, and trouble with the policy server goes to the journal. The
/// Verdict is the server's, or says why there is no plan: of class 5 only for a message that every relay's `max_size`
/// rules out.
Result<RoutePlan, Verdict> plan_delivery(const Configuration& configuration, const std::string& nexthop,
                                         const Envelope& envelope, Instant deadline, ParentWatch* parent,
                                         Journal& journal);

/// A bad configuration or command line: deferred as 4.3.5.
Verdict bad_configuration(const std::string& text);

/// The envelope in the words of the command line. A bad address is its own fault and hard (5.1.3, 5.1.7); with several
/// recipients one result serves all, so a single bad one defers.
Result<Envelope, Verdict> read_envelope(const std::optional<std::string>& sender,
                                        const std::vector<std::string>& recipients,
                                        const std::optional<std::string>& size);

}  // namespace relaypipe
