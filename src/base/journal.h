#pragma once

#include <string_view>

namespace relaypipe {

/// Our log. Must neither block nor fail: what cannot be written is dropped.
class Journal {
 public:
  virtual ~Journal() = default;
  enum class Level { Info, Warning };
  virtual void line(Level level, std::string_view text) = 0;
};

/// A log that nobody reads.
class NoJournal final : public Journal {
 public:
  void line(Level, std::string_view) override {}
};

}  // namespace relaypipe
