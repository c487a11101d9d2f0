#include "fake/fake_world.h"

#include <algorithm>

namespace relaypipe::fake {

void FakeResolver::has(RecordType type, const std::string& name, Answer answer, Duration takes) {
  scripted_[{type, name}] = {std::move(answer), takes};
}

void FakeResolver::addresses(const std::string& name, const std::vector<std::string>& v4,
                             const std::vector<std::string>& v6, Duration takes) {
  const auto answer = [](const std::vector<std::string>& texts) {
    Answer made{texts.empty() ? LookupStatus::NoData : LookupStatus::Ok, texts.empty() ? "no data" : "", {}, {}, {}};
    for (const std::string& text : texts)
      made.addresses.push_back(parse_ip_address(text).value());
    return made;
  };
  has(RecordType::A, name, answer(v4), takes);
  has(RecordType::Aaaa, name, answer(v6), takes);
}

void FakeResolver::mx(const std::string& name, std::vector<MxRecord> records, Duration takes) {
  has(RecordType::Mx, name, {LookupStatus::Ok, "", {}, std::move(records), {}}, takes);
}

void FakeResolver::ask(const Query& query) {
  asked.push_back(query);
  const Key key{query.type, query.name};
  const auto it = scripted_.find(key);
  if (it == scripted_.end() || !pending_.insert(key).second) return;
  timeline_->after(it->second.takes, [this, query, key] {
    pending_.erase(key);
    events_.push_back({query, scripted_.at(key).answer});
  });
}

void FakeMessage::ends() {
  encoder_.finish(wire_);
  state_ = State::Complete;
}

void FakeMessage::breaks(std::string why) {
  failure_ = std::move(why);
  state_ = State::Failed;
}

std::string_view FakeMessage::read(std::uint64_t offset) {
  const std::uint64_t end = std::min<std::uint64_t>(wire_.size(), readable_);
  if (offset >= end) return {};
  return std::string_view(wire_).substr(offset, std::min<std::uint64_t>(piece_, end - offset));
}

void FakeTrace::dialogue(const Peer& peer, Direction direction, std::string_view line) {
  const char sign = direction == Direction::Sent ? '>' : direction == Direction::Received ? '<' : '*';
  lines.push_back(peer.ip + " " + sign + " " + std::string(line));
}

}  // namespace relaypipe::fake
