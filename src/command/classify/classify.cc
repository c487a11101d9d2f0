#include "command/classify/classify.h"

#include <fmt/format.h>

#include <iostream>
#include <iterator>
#include <optional>

#include "base/printable.h"
#include "command/classify/answer.h"
#include "command/classify/json.h"
#include "command/wiring/deliverer.h"
#include "command/wiring/json_text.h"
#include "command/wiring/request.h"
#include "config/nearest.h"
#include "config/nexthop.h"
#include "http/provider_api.h"
#include "io/pcre_matcher.h"
#include "io/system/own_host.h"
#include "io/system/standard_streams.h"
#include "io/system/system_clock.h"
#include "relay/provider.h"
#include "relay/reply_words.h"
#include "smtp/logged_reply.h"
#include "verdict/answer_rules.h"
#include "verdict/check_rules.h"

namespace relaypipe {
namespace {

struct ClassifyArguments : CommonArguments {
  std::optional<std::string> relay;
  std::optional<std::string> provider;
  std::optional<std::string> stage;
  std::optional<std::string> http;  ///< the status of an answer over HTTPS
  std::vector<std::string> words;   ///< of the reply
  bool json = false;
};

void declare(Options& options, ClassifyArguments& arguments) {
  options.value("--relay", arguments.relay, "whose rules hold: a relay of the configuration, or a destination",
                "RELAY");
  options.value("--provider", arguments.provider, "whose replies it is, see `relaypipe providers`", "NAME");
  options.value("--stage", arguments.stage, "where it was said: greeting, auth, mail, rcpt, data, end_of_data ...",
                "STAGE");
  options.value("--http", arguments.http,
                "REPLY is what a provider's HTTPS interface answered, its body or as in the log, with this status",
                "STATUS");
  options.words("REPLY", arguments.words,
                "the reply, one argument per line, or a whole line of the mail log; default: standard input");
  options.common(arguments);
  options.flag("--json", arguments.json, "for programs");
}

constexpr std::string_view kInReplyToPost = "(in reply to POST command)";
constexpr std::size_t kStatusDigits = 3;
constexpr std::string_view kStages[] = {"greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "end_of_data"};

/// `; did you mean NAME?` where a known word is near.
std::string meant(std::string_view word, std::span<const std::string_view> known) {
  const auto near = nearest(word, known);
  return near ? fmt::format("; did you mean {}?", *near) : std::string();
}

std::vector<std::string_view> provider_names() {
  std::vector<std::string_view> names;
  for (const Provider& provider : providers())
    names.push_back(provider.name);
  return names;
}

std::vector<std::string_view> relay_names(const Configuration& configuration) {
  std::vector<std::string_view> names;
  for (const auto& [name, relay] : configuration.relays)
    names.push_back(name);
  return names;
}

Result<Stage, std::string> read_stage(const std::optional<std::string>& word) {
  constexpr std::string_view kForm = "write --stage greeting, ehlo, starttls, auth, mail, rcpt, data or end_of_data";
  if (!word) return fail(std::string(kForm));
  const bool known = std::find(std::begin(kStages), std::end(kStages), *word) != std::end(kStages);
  if (const auto stage = find_stage(*word); stage && known) return *stage;
  return fail(fmt::format("\"{}\" is not a stage with a reply{}; {}", printable(*word), meant(*word, kStages), kForm));
}

/// What is to be classified: the words of the command line, else standard input.
std::string read_words(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts)
    all += text + "\n";
  if (texts.empty()) all.assign(std::istreambuf_iterator<char>(std::cin), {});
  return all;
}

/// Whose relay, or whose HTTPS interface, a host is; empty where it is not known.
std::string_view provider_at(const std::string& host, bool interface) {
  const ProviderApi* const api = interface ? recognise_api(lower(host)).api : nullptr;
  const Provider* const provider = api != nullptr ? find_provider(api->provider) : recognise_provider(host);
  return provider != nullptr ? provider->name : std::string_view();
}

/// A line of the mail log becomes the reply that it quotes, with its stage and its host where these are not given. What
/// is no log line stays. The error is a sentence.
std::optional<std::string> read_log_line(std::string& text, ClassifyArguments& arguments) {
  if (!is_log_line(text)) return std::nullopt;
  const auto found = reply_in_log_line(text);
  if (!found) return "this line of the log quotes no reply of a relay, so there is nothing to classify";
  const bool answer = text.find(kInReplyToPost) != text.npos;
  text = found->reply;
  if (answer) {
    arguments.http = text.substr(0, kStatusDigits);
    text.erase(0, kStatusDigits);
  } else if (!arguments.stage) {
    arguments.stage = name(found->stage);
  }
  const std::string_view provider = provider_at(found->host, answer);
  if (!arguments.relay && !arguments.provider && !provider.empty()) arguments.provider = provider;
  return std::nullopt;
}

/// Several lines of the log, each by itself; anything else is one reply, of however many lines.
std::vector<std::string> split_log_lines(std::string all) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < all.size();) {
    const std::size_t end = std::min(all.find('\n', begin), all.size());
    if (end > begin) lines.push_back(all.substr(begin, end - begin));
    begin = end + 1;
  }
  if (lines.size() > 1 && std::all_of(lines.begin(), lines.end(), [](const std::string& l) { return is_log_line(l); }))
    return lines;
  return {std::move(all)};
}

/// A reply: lines as the relay sent them, a line end also written `\n`. Where only the last line of several has a
/// hyphen missing, as in a log, the others are taken as continued.
Result<Reply, std::string> read_reply(std::string all) {
  for (std::size_t at = 0; (at = all.find("\\n", at)) != all.npos;)
    all.replace(at, 2, "\n");
  while (!all.empty() && (all.back() == '\n' || all.back() == '\r' || all.back() == ' '))
    all.pop_back();
  for (std::size_t end = all.find('\n'), begin = 0; end != all.npos; begin = end + 1, end = all.find('\n', begin)) {
    if (end - begin > 3 && all[begin + 3] == ' ') all[begin + 3] = '-';
  }
  ReplyParser parser;
  parser.feed(all + "\r\n");
  auto reply = parser.take();
  if (!reply)
    return fail(std::string("this is not an SMTP reply; write it as the relay said it: \"550 5.1.1 no such user\""));
  if (!reply->soft() && !reply->hard())
    return fail(fmt::format("{} is not a refusal; only 4yz and 5yz are judged", reply->code));
  return *std::move(reply);
}

/// Makes `relay` the one of that name or destination. The error is a sentence.
std::optional<std::string> become_named(Relay& relay, const std::string& name, const Configuration& configuration) {
  const RelayConfig* const config = configuration.relay(name);
  const bool bare = is_bare_name(name);
  const auto destinations = parse_nexthop(name, service_port);
  if (config == nullptr && (bare || !destinations || destinations->size() != 1)) {
    return fmt::format("there is no relay {}{}{}", printable(name), meant(name, relay_names(configuration)),
                       bare ? "" : ", and it is not a valid destination either");
  }
  if (config != nullptr) {
    relay.settings = &config->settings;
    relay.replies = config->replies;
    relay.provider = config->provider;
  }
  relay.name = name;
  relay.destination = config != nullptr ? config->destination : destinations->front();
  const Provider* const known = recognise_provider(relay.destination.host);
  if (relay.provider.empty() && known != nullptr) relay.provider = known->name;
  return std::nullopt;
}

/// The relay whose rules hold: configured, or a destination that tells its provider, or none.
Result<Relay, std::string> read_relay(const ClassifyArguments& arguments, const Configuration& configuration) {
  Relay relay;
  relay.settings = &configuration.relay_defaults;
  relay.replies = configuration.replies;
  if (arguments.relay) {
    if (auto problem = become_named(relay, *arguments.relay, configuration)) return fail(*std::move(problem));
  }
  if (arguments.provider) {
    if (find_provider(*arguments.provider) == nullptr) {
      return fail(fmt::format("there is no provider {}{}; `relaypipe providers` lists them",
                              printable(*arguments.provider), meant(*arguments.provider, provider_names())));
    }
    relay.provider = *arguments.provider;
  }
  return relay;
}

std::string report(const Relay& relay, std::string_view stage, const std::string& reply,
                   const Classification& classification) {
  const std::string until = until_text(classification.until);
  std::string text = printable(reply) + "\n";
  const auto row = [&](std::string_view label, std::string_view what) {
    text += fmt::format("  {:<11}{}\n", label, what);
  };
  row("stage", stage);
  if (!relay.provider.empty()) row("provider", relay.provider);
  row("speaks of", scope_name(classification.scope));
  row("cause", cause_name(classification.cause));
  if (!until.empty()) row("until", until);
  row("class", classification.severity == Severity::Hard ? "hard" : "soft");
  row("what next", action_text(classification));
  row("status", classification.status.text());
  row("rule", classification.rule);
  return text;
}

/// The stage and the words of a reply or an answer, and what they mean.
struct ClassifiedWords {
  std::string_view stage;
  std::string words;
  Classification classification;
};

Result<ClassifiedWords, std::string> judge_answer(const std::string& text, const ClassifyArguments& arguments,
                                                  const Relay& relay, PatternMatcher& matcher) {
  if (arguments.stage) return fail(std::string("an answer over HTTPS has no stages; leave --stage out"));
  const auto refusal = read_refusal(*arguments.http, text, relay.provider, SystemWallClock().now());
  if (!refusal) return fail(refusal.error());
  return ClassifiedWords{"request", refusal->text(), classify_refusal(*refusal, rules_of(relay), matcher)};
}

Result<ClassifiedWords, std::string> judge_reply(std::string text, const ClassifyArguments& arguments,
                                                 const Relay& relay, PatternMatcher& matcher) {
  const auto stage = read_stage(arguments.stage);
  if (!stage) return fail(stage.error());
  const auto reply = read_reply(std::move(text));
  if (!reply) return fail(reply.error());
  return ClassifiedWords{name(*stage), reply->text(), classify_reply(*stage, *reply, rules_of(relay), matcher)};
}

/// The answer for one reply or one line of the log, as text or JSON.
Result<std::string, std::string> classified(std::string text, ClassifyArguments arguments,
                                            const Configuration& configuration, PatternMatcher& matcher) {
  if (!arguments.http) {
    if (auto problem = read_log_line(text, arguments)) return fail(*std::move(problem));
  }
  const auto relay = read_relay(arguments, configuration);
  if (!relay) return fail(relay.error());
  const auto said = arguments.http ? judge_answer(text, arguments, *relay, matcher)
                                   : judge_reply(std::move(text), arguments, *relay, matcher);
  if (!said) return fail(said.error());
  return arguments.json ? classify_json(*relay, said->stage, said->words, said->classification)
                        : report(*relay, said->stage, said->words, said->classification);
}

int run(const ClassifyArguments& arguments) {
  PcreMatcher matcher;
  LoadedConfiguration loaded = load_as_deliverer(arguments);
  check_patterns(loaded.configuration, matcher, loaded.problems);
  if (const auto error = configuration_error(loaded)) return refuse_as(arguments.json, *error);
  int status = kDone;
  std::string text;
  for (std::string& one : split_log_lines(read_words(arguments.words))) {
    const auto answer = classified(std::move(one), arguments, loaded.configuration, matcher);
    if (!answer) status = kBadInput;
    if (!text.empty()) text += "\n";
    text += answer ? *answer : (arguments.json ? error_json(answer.error()) : answer.error() + "\n");
  }
  write_text(text);
  return status;
}

}  // namespace

std::string_view action_text(const Classification& classification) {
  const bool hard = classification.severity == Severity::Hard;
  if (classification.next == Next::Stop) {
    return hard ? "bounce: no other relay is asked" : "defer: no other relay is asked, Postfix tries later";
  }
  return hard ? "next relay; bounce when every relay refuses it so" : "next relay; defer when there is none";
}

const Command kClassifyCommand{
    "classify", "what a relay's reply means, and which rule says so",
    "Says what a relay's reply means, and what would follow from it. A line of the mail log tells the stage and the "
    "provider too. Sends nothing. Exit status: 0 classified, 2 bad input.",
    start<ClassifyArguments, declare, run>};

}  // namespace relaypipe
