#include "smtp/command_lines.h"

#include <algorithm>

namespace relaypipe {
namespace {

constexpr std::size_t kBeginning = 64;  // enough for the verb

}  // namespace

void CommandLines::append(std::string_view octets) {
  octets_.erase(0, taken_);
  taken_ = 0;
  octets_ += octets;
}

std::optional<CommandLines::Line> CommandLines::next() {
  const std::size_t end = rest().find('\n');
  const bool whole = end != std::string_view::npos;
  const std::size_t octets = whole ? end : rest().size();
  if (!overlong_ && octets > kCommandLineOctets) overlong_ = std::string(rest().substr(0, kBeginning));
  if (overlong_) take(octets);
  if (!whole) return std::nullopt;
  return overlong_ ? Line{*overlong_, true} : Line{rest().substr(0, end), false};
}

void CommandLines::take() {
  take(std::min(rest().find('\n') + 1, rest().size()));
  overlong_.reset();
}

}  // namespace relaypipe
