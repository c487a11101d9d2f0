#include "io/fleet/window_reply.h"

#include <algorithm>
#include <optional>

#include "base/printable.h"
#include "base/text.h"
#include "relay/units.h"

namespace relaypipe {
namespace {

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty())
    words.push_back(next_word(text));
  return words;
}

std::string name_of(std::string_view foreign) { return std::string(clip(printable(foreign), kLongestHostName)); }

/// `LIFE SEQUENCE SPENT GRANTED SEEN NAME`, as the script writes it.
std::optional<FleetHostUse> host_in(const std::string& id, const std::string& record, std::int64_t now) {
  const std::vector<std::string_view> words = words_of(record);
  if (words.size() != 6) return std::nullopt;
  const auto number = [&](std::size_t place) { return parse_count(words[place], 0, kMostStoreNumber); };
  const auto spent = number(2);
  const auto granted = number(3);
  const auto seen = number(4);
  if (!spent || !granted || !seen) return std::nullopt;
  return FleetHostUse{.id = name_of(id),
                      .name = name_of(words[5]),
                      .left = *granted > *spent ? *granted - *spent : 0,
                      .seen = Span(std::max<std::int64_t>(now - static_cast<std::int64_t>(*seen), 0))};
}

/// Milliseconds of the store's clock, as TIME tells it: seconds and microseconds.
std::optional<std::int64_t> milliseconds(const StoreReply& time) {
  if (time.list.size() != 2) return std::nullopt;
  const auto seconds = parse_count(time.list[0].text, 0, kMostStoreNumber / 1000);
  const auto micro = parse_count(time.list[1].text, 0, 1'000'000);
  if (!seconds || !micro) return std::nullopt;
  return static_cast<std::int64_t>(*seconds * 1000 + *micro / 1000);
}

}  // namespace

std::vector<StoreCommand> window_commands(const WindowKeys& keys) {
  return {{"HGET", keys.window, "total"}, {"HGETALL", keys.hosts}, {"TIME"}};
}

Result<WindowUse, std::string> parse_window(std::span<const StoreReply> replies) {
  for (const StoreReply& reply : replies) {
    if (reply.kind == StoreReply::Kind::Error) return fail(problem_of(reply));
  }
  const auto now = replies.size() == 3 ? milliseconds(replies[2]) : std::nullopt;
  if (!now) return fail(problem_of({}));
  WindowUse window;
  if (const auto used = parse_count(replies[0].text, 0, kMostStoreNumber)) window.used = *used;
  const std::vector<StoreReply>& fields = replies[1].list;
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    if (auto host = host_in(fields[i].text, fields[i + 1].text, *now)) window.hosts.push_back(*std::move(host));
  }
  std::sort(window.hosts.begin(), window.hosts.end(),
            [](const FleetHostUse& a, const FleetHostUse& b) { return a.name + a.id < b.name + b.id; });
  return window;
}

}  // namespace relaypipe
