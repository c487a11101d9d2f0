#include "command/names.h"

#include "command/wiring/arguments_names.h"
#include "command/wiring/deliverer.h"
#include "command/wiring/request.h"
#include "io/system/standard_streams.h"
#include "relay/provider.h"

namespace relaypipe {
namespace {

constexpr int kBadInput = 2;

template <class Map>
std::string keys_of(const Map& map) {
  std::string text;
  for (const auto& [name, value] : map)
    text += name + "\n";
  return text;
}

}  // namespace

int run_names(const std::vector<std::string>& words) {
  const auto arguments = parse_names_arguments(words);
  if (!arguments) {
    write_text(arguments.error().text + "\n");
    return arguments.error().asked ? 0 : kBadInput;
  }
  std::string text;
  int status = 0;
  if (arguments->kind == "providers") {
    for (const Provider& provider : providers())
      text += std::string(provider.name) + "\n";
  } else {
    const LoadedConfiguration loaded = load_as_deliverer(*arguments);
    const Configuration& configuration = loaded.configuration;
    text = arguments->kind == "relays" ? keys_of(configuration.relays) : keys_of(configuration.chains);
    // What could be read is printed all the same: a shell that completes a name wants names, and no message.
    if (first_error(loaded.problems) != nullptr) status = kBadInput;
  }
  write_text(text);
  return status;
}

}  // namespace relaypipe
