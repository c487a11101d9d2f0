#pragma once

#include <array>
#include <memory>
#include <string>

#include "base/event_loop.h"
#include "message/message_source.h"

namespace relaypipe {

/// The content, read from a descriptor once and kept in wire form: the first `memory` octets in memory, a longer one
/// wholly in an unlinked file, so that memory stays flat whatever the size of the message and nothing is left behind
/// whatever ends the process.
class Spool final : public MessageSource, public Pollable {
 public:
  struct Limits {
    std::uint64_t line_length;
    std::uint64_t memory;
    std::string directory;
  };
  Spool(int fd, Limits limits);
  ~Spool() override;
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  [[nodiscard]] State state() const override { return state_; }
  [[nodiscard]] const std::string& failure() const override { return failure_; }
  [[nodiscard]] const ContentFacts& facts() const override { return encoder_.facts(); }
  std::string_view read(std::uint64_t offset) override;

  Instant interests(std::vector<pollfd>& fds, Instant now) override;
  void serve(std::span<const pollfd> fds, Instant now) override;

 private:
  static constexpr std::size_t kPart = 64UL * 1024;  ///< what a Linux pipe holds
  using Part = std::array<char, kPart>;

  void take_part();
  void end();
  void spill();
  bool open_file();
  void fail(const std::string& what);

  int fd_;
  Limits limits_;
  ContentEncoder encoder_;
  State state_ = State::Reading;
  std::string failure_;
  std::unique_ptr<Part> part_;  ///< what was read last
  std::string memory_;          ///< everything, or what is not in the file yet
  int file_ = -1;
  std::string window_;  ///< what the last read() from the file showed
};

}  // namespace relaypipe
