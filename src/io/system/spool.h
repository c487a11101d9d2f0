#pragma once

#include <string>
#include <string_view>

#include "io/base/unique_fd.h"
#include "message/message_source.h"

namespace relaypipe {

/// The content, taken once and kept in wire form: the first `memory` octets in memory, a longer one wholly in an
/// unlinked file, so that memory stays flat whatever the size of the message and nothing is left behind whatever ends
/// the process.
class Spool final : public MessageSource {
 public:
  struct Limits {
    std::uint64_t line_length;
    std::uint64_t memory;
    std::string directory;
  };
  explicit Spool(Limits limits);

  /// Adds octets of the content, cut anywhere.
  void add(std::string_view octets);
  /// The content is whole.
  void end();
  /// It cannot be had; `why` for a person.
  void fail(const std::string& why);

  [[nodiscard]] State state() const override { return state_; }
  [[nodiscard]] const std::string& failure() const override { return failure_; }
  [[nodiscard]] const ContentFacts& facts() const override { return encoder_.facts(); }
  std::string_view read(std::uint64_t offset) override;

 private:
  void spill();
  bool open_file();

  Limits limits_;
  ContentEncoder encoder_;
  State state_ = State::Reading;
  std::string failure_;
  std::string memory_;  ///< everything, or what is not in the file yet
  UniqueFd file_;
  std::string window_;  ///< what the last read() from the file showed
};

}  // namespace relaypipe
