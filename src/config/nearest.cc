#include "config/nearest.h"

#include <algorithm>
#include <vector>

#include "base/printable.h"

namespace relaypipe {
namespace {

/// Longer words are no slips of the finger, and the work below grows with the square of the length.
constexpr std::size_t kLongestWord = 64;

using Row = std::vector<std::size_t>;

/// Edit distance in which a swap of two neighbours counts once, like an insertion, a deletion or a replacement.
std::size_t distance(std::string_view a, std::string_view b) {
  Row before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    // The three rows take turns: the oldest becomes the one that is written next.
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> known) {
  if (word.empty() || word.size() > kLongestWord) return std::nullopt;
  const std::string meant = lower(word);
  std::optional<std::string_view> best;
  std::size_t limit = 1 + word.size() / 4;
  for (const std::string_view candidate : known) {
    const std::size_t longer = std::max(candidate.size(), meant.size());
    if (longer - std::min(candidate.size(), meant.size()) > limit) continue;
    const std::size_t edits = distance(meant, lower(candidate));
    if (edits > limit || (best && edits == limit)) continue;
    best = candidate;
    limit = edits;
  }
  return best;
}

}  // namespace relaypipe
