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
  if (arguments->kind == "providers") {
    for (const Provider& provider : providers())
      text += std::string(provider.name) + "\n";
  } else {
    const Configuration configuration = load_as_deliverer(*arguments).configuration;
    text = arguments->kind == "relays" ? keys_of(configuration.relays) : keys_of(configuration.chains);
  }
  write_text(text);
  return 0;
}

}  // namespace relaypipe
