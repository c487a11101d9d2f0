#pragma once

#include <string>
#include <string_view>

namespace relaypipe {

/// A script that runs on the store, and the SHA-1 sum that it is called by.
struct StoreScript {
  std::string_view text;
  std::string sum;
};

/// Grants a part of a limit. KEYS: the window, its hosts, when each was seen.
const StoreScript& take_script();
/// Tells facts of a relay and gives all that are known. KEYS: the facts.
const StoreScript& facts_script();

}  // namespace relaypipe
