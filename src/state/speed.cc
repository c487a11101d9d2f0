#include "state/speed.h"

#include <limits>

#include "state/health.h"

namespace relaypipe {
namespace {

constexpr std::uint32_t kEnoughSamples = 5;
constexpr Span kSlowFloor = std::chrono::milliseconds(500);
constexpr Span kOldAverage = std::chrono::minutes(10);

}  // namespace

void Average::add(Duration sample) {
  const double ms = std::chrono::duration<double, std::milli>(sample).count();
  value = samples == 0 ? ms : value + (ms - value) / 8;
  if (samples < std::numeric_limits<std::uint32_t>::max()) ++samples;
}

std::optional<Span> average_time(const Health& health, WallTime now) {
  if (health.accepted.samples < kEnoughSamples || !health.measured) return std::nullopt;
  if (now - *health.measured > kOldAverage) return std::nullopt;
  return Span(static_cast<Span::rep>(health.ready.value + health.accepted.value));
}

bool much_slower(const Health& health, std::span<const Health* const> others, double factor, WallTime now) {
  const std::optional<Span> own = average_time(health, now);
  if (!own) return false;
  std::optional<Span> best;
  for (const Health* const other : others) {
    const std::optional<Span> time = other->down() ? std::nullopt : average_time(*other, now);
    if (time && (!best || *time < *best)) best = time;
  }
  if (!best || *own < *best + kSlowFloor) return false;
  return static_cast<double>(own->count()) > factor * static_cast<double>(best->count());
}

}  // namespace relaypipe
