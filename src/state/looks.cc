#include "state/looks.h"

#include <algorithm>

namespace relaypipe {
namespace {

constexpr std::size_t kMostLooks = 16;  ///< remembered

}  // namespace

void take_look(std::vector<Look>& looks, const Look& look, const Alive& alive) {
  std::erase_if(looks, [&](const Look& other) { return other.owner == look.owner || !alive(other.owner); });
  if (looks.size() >= kMostLooks) looks.erase(looks.begin());
  looks.push_back(look);
}

void keep_looking(std::vector<Look>& looks, const Owner& owner, WallTime until) {
  for (Look& look : looks) {
    if (look.owner == owner) look.until = std::max(look.until, until);
  }
}

void end_look(std::vector<Look>& looks, const Owner& owner) {
  std::erase_if(looks, [&](const Look& look) { return look.owner == owner; });
}

}  // namespace relaypipe
