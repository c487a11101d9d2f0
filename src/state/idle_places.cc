#include "state/idle_places.h"

#include <algorithm>

namespace relaypipe {

IdlePlace want_idle_place(Allowance& allowance, const Owner& self) {
  bool any = false;
  Hold* oldest = nullptr;
  for (Hold& hold : allowance.holds) {
    if (!hold.idle || hold.owner == self) continue;
    any = true;
    if (!hold.wanted && (oldest == nullptr || hold.at < oldest->at)) oldest = &hold;
  }
  if (oldest == nullptr) return any ? IdlePlace::Waiting : IdlePlace::None;
  oldest->wanted = true;
  return IdlePlace::Asked;
}

bool is_wanted(const Allowance& allowance, const Owner& owner) {
  return std::any_of(allowance.holds.begin(), allowance.holds.end(),
                     [&](const Hold& hold) { return hold.wanted && hold.owner == owner; });
}

void close_idle(Allowance& allowance, const Owner& owner) {
  const auto is_own = [&](const Hold& hold) { return hold.idle && hold.owner == owner; };
  const auto hold = std::find_if(allowance.holds.begin(), allowance.holds.end(), is_own);
  if (hold != allowance.holds.end()) allowance.holds.erase(hold);
}

}  // namespace relaypipe
