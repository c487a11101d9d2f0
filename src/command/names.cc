#include "command/names.h"

#include <fmt/format.h>

#include "base/printable.h"
#include "command/wiring/deliverer.h"
#include "command/wiring/request.h"
#include "io/system/standard_streams.h"
#include "relay/provider.h"

namespace relaypipe {
namespace {

struct NamesArguments : CommonArguments {
  std::string kind;  ///< relays, chains or providers
};

void declare(Options& options, NamesArguments& arguments) {
  options.needed_word("KIND", arguments.kind, "relays, chains or providers");
  options.common(arguments);
}

template <class Map>
std::string keys_of(const Map& map) {
  std::string text;
  for (const auto& [name, value] : map)
    text += name + "\n";
  return text;
}

std::string provider_names() {
  std::string text;
  for (const Provider& provider : providers())
    text += fmt::format("{}\n", provider.name);
  return text;
}

int run(const NamesArguments& arguments) {
  if (arguments.kind == "providers") {
    write_text(provider_names());
    return kDone;
  }
  if (arguments.kind != "relays" && arguments.kind != "chains") {
    return refuse(
        fmt::format("there are no names of {}; write relays, chains or providers", printable(arguments.kind)));
  }
  const LoadedConfiguration loaded = load_as_deliverer(arguments);
  const Configuration& configuration = loaded.configuration;
  write_text(arguments.kind == "relays" ? keys_of(configuration.relays) : keys_of(configuration.chains));
  // What could be read is printed all the same: a shell that completes a name wants names, and no message.
  return first_error(loaded.problems) == nullptr ? kDone : kBadInput;
}

}  // namespace

const Command kNamesCommand{
    "names", "the relays, chains or providers there are, one per line",
    "Prints the names of all relays or chains of the configuration, or of all providers, one per line. Exit status: 0, "
    "or 2 wrong command line.",
    start<NamesArguments, declare, run>};

}  // namespace relaypipe
