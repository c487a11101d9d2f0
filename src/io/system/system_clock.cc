#include "io/system/system_clock.h"

#include <sys/random.h>
#include <unistd.h>

namespace relaypipe {

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == sizeof seed) return seed;
  // Only shortly after boot: enough to shuffle equal MX hosts differently in different processes.
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) ^
         static_cast<std::uint64_t>(getpid());
}

}  // namespace relaypipe
