#include "io/fleet/wire.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "base/text.h"
#include "relay/reply_words.h"
#include "relay/units.h"
#include "state/stored_values.h"

namespace relaypipe {
namespace {

/// What is known of a window is kept for as long as it may matter; of a calendar's, a month and some days.
constexpr Span kKept = std::chrono::days(40);
constexpr std::size_t kTakeNumbers = 8;
constexpr std::size_t kLongestWords = 150;
constexpr std::int64_t kMostHosts = 1'000'000;
constexpr Span kLongestFact = std::chrono::days(100 * 365);

std::string number_text(Span span) { return std::to_string(span.count()); }

std::uint64_t amount(std::int64_t number) { return static_cast<std::uint64_t>(std::max<std::int64_t>(number, 0)); }

bool is_within(std::int64_t number, std::int64_t least, std::int64_t most) { return least <= number && number <= most; }

/// A time in milliseconds that can be reckoned with.
bool is_time(std::int64_t number) {
  return is_within(number, 0, kMostStoreNumber) && is_plausible(WallTime(Span(number)));
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  const auto number = parse_count(text.substr(negative ? 1 : 0), 0, INT64_MAX);
  if (!number) return std::nullopt;
  return negative ? -static_cast<std::int64_t>(*number) : static_cast<std::int64_t>(*number);
}

/// `AT END HOST CAUSE WORDS` by the store's clock, which shows `now`.
std::optional<FleetFact> parse_fact(std::string_view name, std::string_view text, std::int64_t now) {
  const auto kind = find_fact(name);
  const auto at = parse_number(next_word(text));
  const auto end = parse_number(next_word(text));
  if (!kind || !at || !end || !is_time(*at) || !is_within(*end, -1, kMostStoreNumber)) return std::nullopt;
  const std::string host = printable(next_word(text));
  FleetFact fact{.kind = *kind, .at = amount(*at), .host = std::string(clip(host, kLongestHostName)), .words = {}};
  const std::int64_t left = *end == 0 ? 0 : std::max<std::int64_t>(*end - now, 0);
  fact.left = *end < 0 ? FleetFact::kForever : std::min(Span(left), kLongestFact);
  const auto meaning = find_meaning(next_word(text));
  if (meaning) fact.cause = meaning->cause;
  fact.words = clip(printable(text), kLongestWords);
  return fact;
}

/// Whether these can be the numbers that the script answers the question with.
bool is_answer(const std::vector<StoreReply>& numbers, const SliceQuestion& question) {
  if (numbers.size() != kTakeNumbers) return false;
  const auto at = [&](std::size_t place) { return numbers[place].number; };
  const auto before = static_cast<std::int64_t>(std::max(question.granted, question.spent));
  const auto want = static_cast<std::int64_t>(question.want);
  return is_within(at(0), 1, 2) && is_within(at(1), 1, kMostStoreNumber) && is_within(at(2), before, before + want) &&
         is_within(at(3), 0, at(2) - before) && is_within(at(4), -kMostStoreNumber, kMostStoreNumber) &&
         is_within(at(5), 1, kMostHosts) && is_time(at(6)) && is_within(at(7), 0, kMostStoreNumber);
}

}  // namespace

WindowKeys window_keys(const FleetConfig& fleet, std::string_view relay, std::string_view window) {
  const std::string base = fmt::format("{}:{{{}}}:{}", fleet.prefix, relay, window);
  return {.window = base, .hosts = base + ":hosts", .seen = base + ":seen"};
}

ScriptCall facts_call(const FleetConfig& fleet, std::string_view relay, const FleetHost& self,
                      const std::optional<FleetFact>& fact) {
  ScriptCall call{facts_script(), {fmt::format("{}:{{{}}}:facts", fleet.prefix, relay)}, {self.id, number_text(kKept)}};
  if (!fact) return call;
  call.arguments.emplace_back(fact_name(fact->kind));
  call.arguments.push_back(fact->left == FleetFact::kForever ? "-1" : number_text(fact->left));
  call.arguments.push_back(
      fmt::format("{} {}: {}", cause_name(fact->cause), self.name, clip(fact->words, kLongestWords)));
  return call;
}

ScriptCall take_call(const FleetConfig& fleet, std::string_view relay, const FleetHost& self,
                     const SliceQuestion& question) {
  const WindowKeys keys = window_keys(fleet, relay, question.window);
  ScriptCall call{take_script(), {keys.window, keys.hosts, keys.seen}, {self.id}};
  const Span kept = question.span == Span(0) ? kKept : question.span + question.life_of_slice + 2 * kSliceGrace;
  const auto add = [&](std::uint64_t number) { call.arguments.push_back(std::to_string(number)); };
  add(question.life);
  call.arguments.push_back(self.name);
  for (const std::uint64_t number :
       {question.sequence, question.epoch, question.spent, question.granted, question.untold, question.fleet,
        question.need, question.want, std::uint64_t(question.urgent ? 1 : 0), question.quota, question.kept})
    add(number);
  for (const Span span : {question.span, question.life_of_slice, kSliceGrace, kept})
    call.arguments.push_back(number_text(span));
  return call;
}

Result<std::vector<FleetFact>, std::string> parse_facts(const StoreReply& reply) {
  if (reply.kind != StoreReply::Kind::List || reply.list.empty() || reply.list.size() % 2 == 0 ||
      !is_time(reply.list.front().number))
    return fail(problem_of(reply));
  std::vector<FleetFact> facts;
  for (std::size_t i = 1; i < reply.list.size(); i += 2) {
    auto fact = parse_fact(reply.list[i].text, reply.list[i + 1].text, reply.list.front().number);
    // What a later version tells is not for this one.
    if (!fact) continue;
    const auto same = [&](const FleetFact& other) { return other.kind == fact->kind; };
    if (std::none_of(facts.begin(), facts.end(), same)) facts.push_back(*std::move(fact));
  }
  return facts;
}

Result<SliceReply, std::string> parse_slice_reply(const StoreReply& reply, const SliceQuestion& question) {
  const auto is_number = [](const StoreReply& one) { return one.kind == StoreReply::Kind::Number; };
  if (reply.kind != StoreReply::Kind::List || !std::all_of(reply.list.begin(), reply.list.end(), is_number))
    return fail(problem_of(reply));
  if (reply.list.size() == 1 && reply.list.front().number == 0) return SliceReply{.stale = true, .now = {}};
  if (!is_answer(reply.list, question)) return fail(problem_of(reply));
  const auto at = [&](std::size_t place) { return reply.list[place].number; };
  return SliceReply{.learning = at(0) == 2,
                    .epoch = amount(at(1)),
                    .granted = amount(at(2)),
                    .urgent = amount(at(3)),
                    .fleet = amount(at(4)),
                    .hosts = amount(at(5)),
                    .now = WallTime(Span(at(6))),
                    .free_in = Span(at(7))};
}

Result<FleetAnswers, std::string> parse_answers(std::span<const StoreReply> replies,
                                                std::span<const SliceQuestion> questions) {
  if (replies.size() != questions.size() + 1) return fail(problem_of({}));
  FleetAnswers answers;
  auto facts = parse_facts(replies.front());
  if (!facts) return fail(facts.error());
  answers.facts = *std::move(facts);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto slice = parse_slice_reply(replies[i + 1], questions[i]);
    if (!slice) return fail(slice.error());
    answers.slices.push_back(*slice);
  }
  return answers;
}

}  // namespace relaypipe
