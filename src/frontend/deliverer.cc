#include "frontend/deliverer.h"

#include <fmt/format.h>

#include "base/printable.h"

namespace relaypipe {

Result<SystemUser, std::string> become_deliverer(const std::string& state_directory) {
  auto owner = owner_of(state_directory);
  if (!owner) {
    return fail(
        fmt::format("{}. state_directory has to be there and belong to the user of master.cf: install -d -m "
                    "700 -o USER {}",
                    owner.error(), printable(state_directory)));
  }
  if (const auto became = become(*owner); !became) {
    return fail(fmt::format("{}, to whom state_directory {} belongs", became.error(), printable(state_directory)));
  }
  return owner;
}

}  // namespace relaypipe
