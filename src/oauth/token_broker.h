#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/ids.h"
#include "base/journal.h"
#include "oauth/renewal.h"
#include "oauth/token_services.h"
#include "oauth/token_source.h"

namespace relaypipe {

/// Gives out access tokens: the one that is kept while it is good, else a new one from the token endpoint, which is
/// asked by one process at a time. The others go on with the old token while it lasts, or wait for the new one.
///
/// Without a state directory every delivery fetches a token for itself.
class TokenBroker final : public TokenSource, public Pollable {
 public:
  struct Services {
    const Clock& clock;
    const WallClock& wall;
    TokenStore& store;
    HttpPoster& endpoint;
    Journal& journal;
    AnswerReader read_answer;
    SecretReader read_secret;
  };
  /// `log_id` begins every line in the log.
  TokenBroker(Services services, std::string log_id) : services_(std::move(services)), log_id_(std::move(log_id)) {}

  void ask(DialId id, const Relay& relay, bool refused) override;
  std::vector<TokenEvent> take_answers() override;
  void cancel(DialId id) override;

  /// Whether a request is under way whose answer nobody waits for any more, but which may bring a new refresh token in
  /// place of the old one: it has to be heard to its end, or the account is lost.
  [[nodiscard]] bool unfinished() const;

  /// Asks the endpoint for a new token, however good the kept one is. The answer comes as for ask().
  void renew(DialId id, const Relay& relay);

  Instant interests(std::vector<pollfd>& fds, Instant now) override;
  void serve(std::span<const pollfd> fds, Instant now) override;

 private:
  /// A request to the endpoint that is under way.
  struct Posted {
    DialId id = 0;
    TokenTime at;  ///< the token lives from some time after this: on the safe side
  };
  /// The questions for one relay, from the first until their answer.
  struct Inquiry {
    std::vector<DialId> ids;
    const Relay* relay = nullptr;
    bool refused = false;  ///< the relay refused `last`
    bool forced = false;   ///< a person wants a new one
    Secret last;           ///< the token that was given out before
    Instant ends;
    Instant retry = Instant::max();  ///< when the lock is tried again
    std::unique_ptr<TokenLock> lock;
    bool lockless = false;         ///< there is no lock to be had
    TokenRecord record;            ///< what was known when it was last looked up
    std::optional<Posted> posted;  ///< the endpoint is being asked
    std::uint64_t given = 0;       ///< mark() of the file's refresh token
    bool from_file = false;        ///< that is the one that was sent
    std::vector<Secret> sent;      ///< the secrets of the request
  };

  void begin(DialId id, const Relay& relay, bool refused, bool forced);
  void finish(Instant now);
  // These return whether the inquiry has its answer.
  bool advance(Inquiry& inquiry);
  bool enter(Inquiry& inquiry);
  bool post(Inquiry& inquiry);
  bool judge(Inquiry& inquiry, const Result<EndpointAnswer, std::string>& answer);
  bool keep(Inquiry& inquiry, const GrantedToken& granted, TokenTime asked);
  bool fall_back(Inquiry& inquiry, const std::string& why);
  bool answer(Inquiry& inquiry, const TokenRecord& record);
  bool refuse(Inquiry& inquiry, const std::string& why);

  TokenRecord look_up(const Inquiry& inquiry);
  bool paused_for_another(const Inquiry& inquiry);
  Result<Secret, std::string> form(Inquiry& inquiry);
  std::optional<std::string> choose_refresh_token(Inquiry& inquiry);
  void remember_failure(Inquiry& inquiry, const std::string& why);
  void warn(const Inquiry& inquiry, const std::string& text);

  Services services_;
  std::string log_id_;
  std::vector<std::unique_ptr<Inquiry>> inquiries_;
  std::map<std::string, TokenRecord> given_out_;  ///< by relay; serves where nothing can be kept
  std::vector<std::string> warned_;
  std::vector<TokenEvent> answers_;
  DialId next_post_ = 0;
};

}  // namespace relaypipe
