#include "io/fleet/store_client.h"

namespace relaypipe {
namespace {

using Replies = Result<std::vector<StoreReply>, std::string>;

StoreCommand words_of(const ScriptCall& call, bool whole) {
  StoreCommand words{whole ? "EVAL" : "EVALSHA", whole ? std::string(call.script.text) : call.script.sum,
                     std::to_string(call.keys.size())};
  words.insert(words.end(), call.keys.begin(), call.keys.end());
  words.insert(words.end(), call.arguments.begin(), call.arguments.end());
  return words;
}

}  // namespace

std::optional<std::string> StoreClient::open(const ChannelTarget& target, const StoreLogin& login, Instant end) {
  if (auto problem = channel_.open(target, end)) return problem;
  if (!login.password.empty()) {
    StoreCommand auth{"AUTH"};
    if (!login.user.empty()) auth.push_back(login.user);
    auth.emplace_back(login.password.reveal());
    login_.push_back(std::move(auth));
  }
  if (login.database != 0) login_.push_back({"SELECT", std::to_string(login.database)});
  return std::nullopt;
}

Replies StoreClient::receive(std::size_t count, Instant end) {
  std::vector<StoreReply> replies;
  while (replies.size() < count) {
    auto next = reader_.next();
    if (!next) return fail(next.error());
    if (*next) {
      replies.push_back(**std::move(next));
      continue;
    }
    const auto octets = channel_.receive(end);
    if (!octets) {
      // What a server says to a client that it does not take, before it hangs up.
      const bool told = !replies.empty() && replies.front().kind == StoreReply::Kind::Error;
      return fail(told ? problem_of(replies.front()) : octets.error());
    }
    reader_.feed(*octets);
  }
  // It would be taken for the answer to the next question.
  if (reader_.unread() != 0) return fail(std::string("it answers more than it was asked"));
  return replies;
}

Replies StoreClient::run(std::span<const StoreCommand> commands, Instant end) {
  std::string octets;
  for (StoreCommand& command : login_) {
    octets += encode(command);
    for (std::string& word : command)
      Secret::wipe(word);
  }
  for (const StoreCommand& command : commands)
    octets += encode(command);
  const std::size_t logins = login_.size();
  login_.clear();
  auto problem = channel_.send(octets, end);
  if (logins != 0) Secret::wipe(octets);
  if (problem) return fail(*std::move(problem));
  auto replies = receive(logins + commands.size(), end);
  if (!replies) return replies;
  for (std::size_t i = 0; i < logins; ++i) {
    if ((*replies)[i].kind == StoreReply::Kind::Error) return fail(problem_of((*replies)[i]));
  }
  replies->erase(replies->begin(), replies->begin() + static_cast<std::ptrdiff_t>(logins));
  return replies;
}

Replies StoreClient::call(std::span<const ScriptCall> calls, Instant end) {
  std::vector<StoreCommand> commands;
  for (const ScriptCall& call : calls)
    commands.push_back(words_of(call, false));
  auto replies = run(commands, end);
  if (!replies) return replies;
  commands.clear();
  std::vector<std::size_t> unknown;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (!(*replies)[i].is_error("NOSCRIPT")) continue;
    unknown.push_back(i);
    commands.push_back(words_of(calls[i], true));
  }
  if (unknown.empty()) return replies;
  auto again = run(commands, end);
  if (!again) return again;
  for (std::size_t i = 0; i < unknown.size(); ++i)
    (*replies)[unknown[i]] = std::move((*again)[i]);
  return replies;
}

}  // namespace relaypipe
