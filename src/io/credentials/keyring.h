#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/ids.h"
#include "config/password_map.h"
#include "io/credentials/command.h"
#include "io/credentials/file.h"
#include "oauth/token_source.h"
#include "relay/credentials.h"

namespace relaypipe {

/// The keyring of one delivery: files and maps are read at once, a command runs once per relay however many sessions
/// ask, token endpoints are the TokenSource's. What was found is kept until the delivery ends, so that a relay's other
/// addresses get it at once.
class AccountKeyring final : public Keyring, public Pollable {
 public:
  /// `sender`: the envelope sender, for accounts that depend on it; empty for the null sender. `tokens` may be null
  /// where no relay has a token endpoint; it is waited for by itself.
  AccountKeyring(const Clock& clock, std::string sender, TokenSource* tokens);

  /// Another message begins, of this sender: what was found for the last one is forgotten. Nobody may be waiting.
  void begin_message(std::string sender);
  void use_tokens(TokenSource& tokens) { tokens_ = &tokens; }

  void ask(DialId id, const Relay& relay, std::string_view host, bool refused) override;
  std::vector<KeyringEvent> take_answers() override;
  void cancel(DialId id) override;

  Instant interests(std::vector<pollfd>& fds, Instant now) override;
  void serve(std::span<const pollfd> fds, Instant now) override;

 private:
  using Answer = Result<std::optional<Credentials>, std::string>;
  using Found = Result<Secret, std::string>;

  /// A command of one relay, and who waits for it.
  struct Running {
    const Relay* relay;
    std::unique_ptr<AccountCommand> command;
    std::vector<DialId> waiting;
  };
  struct Asked {
    DialId id;
    const Relay* relay;
  };

  void ask_account(DialId id, const Relay& relay, bool refused);
  Answer look_up(const Relay& relay, std::string_view host);
  void run(DialId id, const Relay& relay, const std::vector<std::string>& argv);
  void answer(DialId id, Answer result);
  void answer_secret(DialId id, const Relay& relay, const Found& found);
  void answer_key_pair(DialId id, const Relay& relay, const Secret& text);

  const Clock& clock_;
  std::string sender_;
  TokenSource* tokens_;
  FileReader reader_;
  std::vector<KeyringEvent> events_;
  std::list<Running> running_;
  std::map<const Relay*, Found> kept_;    ///< by relay: what its command printed
  std::map<const Relay*, Secret> given_;  ///< by relay: the token of the last answer
  std::vector<DialId> again_;             ///< asked because that one was refused
  std::map<std::string, Result<std::vector<MapAccount>, std::string>> maps_;
  std::vector<Asked> asked_;  ///< of the token source
};

}  // namespace relaypipe
