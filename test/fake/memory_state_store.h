#pragma once

#include <map>

#include "state/store.h"

namespace relaypipe::fake {

/// A state store in this process's memory, that can be made to forget.
class MemoryStateStore final : public StateStore {
 public:
  std::vector<std::string> read(std::span<const std::string> keys, WallTime now) override {
    std::vector<std::string> values;
    for (const std::string& key : keys)
      values.push_back(value(key, now).octets);
    return values;
  }

  bool update(std::span<const std::string> keys, WallTime now, StateWait wait,
              const std::function<void(std::vector<StateValue>&)>& change) override {
    std::vector<StateValue> values;
    for (const std::string& key : keys)
      values.push_back(value(key, now));
    change(values);
    last_wait = wait;
    if (broken) return false;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (values[i].octets.empty())
        records.erase(keys[i]);
      else
        records[keys[i]] = values[i];
    }
    return true;
  }

  std::vector<std::pair<std::string, std::string>> list(std::string_view prefix, WallTime now) override {
    std::vector<std::pair<std::string, std::string>> found;
    for (const auto& [key, record] : records) {
      if (!broken && key.starts_with(prefix) && record.useful_until > now) found.emplace_back(key, record.octets);
    }
    return found;
  }

  [[nodiscard]] std::optional<std::string> trouble() const override { return broken; }

  std::map<std::string, StateValue, std::less<>> records;
  StateWait last_wait = StateWait::Brief;  ///< of the last change
  std::optional<std::string> broken;       ///< why it neither reads nor writes

 private:
  StateValue value(const std::string& key, WallTime now) {
    const auto found = records.find(key);
    return broken || found == records.end() || found->second.useful_until <= now ? StateValue() : found->second;
  }
};

}  // namespace relaypipe::fake
