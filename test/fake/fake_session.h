#pragma once

#include <memory>
#include <string>

#include "fake/fake_relay.h"

namespace relaypipe::fake {

/// A ready session that speaks octets: it cuts what comes into commands, answers from the relay's script in the order
/// of the commands, and takes the content up to the final dot.
class FakeSession final : public Session {
 public:
  FakeSession(FakeRelay& relay, Timeline& timeline);
  ~FakeSession() override;
  FakeSession(const FakeSession&) = delete;
  FakeSession& operator=(const FakeSession&) = delete;

  [[nodiscard]] const Capabilities& capabilities() const override { return capabilities_; }
  [[nodiscard]] const SessionFacts& facts() const override { return facts_; }
  std::size_t send(std::string_view octets) override;
  [[nodiscard]] bool flushed() override { return wire_->unsent == 0; }
  [[nodiscard]] std::size_t unsent() const override { return wire_->unsent; }
  std::size_t receive(std::span<char> buffer) override;
  [[nodiscard]] bool ended() const override { return wire_->closed && wire_->to_client.empty(); }

 private:
  /// What both ends share; the timeline's events may outlive the session.
  struct Wire {
    std::string to_client;
    std::string endless;  ///< said again and again
    bool closed = false;
    std::size_t unsent = 0;  ///< octets that the client's system keeps back
  };
  std::size_t take_content(std::string_view octets);
  void end_content();
  void command(const std::string& line);
  [[nodiscard]] std::string usual_reply(const std::string& verb) const;
  void react(const Reaction& reaction);
  void drip();

  FakeRelay& relay_;
  Timeline& timeline_;
  Capabilities capabilities_;
  SessionFacts facts_;
  std::shared_ptr<Wire> wire_ = std::make_shared<Wire>();
  std::string line_;
  Instant busy_until_;  ///< replies leave in the order of the commands
  bool stalled_ = false;
  bool in_mail_ = false;
  bool in_data_ = false;
  std::size_t recipients_ = 0;
};

}  // namespace relaypipe::fake
