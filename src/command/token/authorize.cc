#include "command/token/authorize.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/system/poll_event_loop.h"
#include "io/system/sha_digest.h"
#include "io/system/standard_streams.h"
#include "oauth/token_request.h"
#include "oauth/token_texts.h"
#include "relay/units.h"

namespace relaypipe {
namespace {

using Kind = EndpointTrouble::Kind;
using Error = std::string;

constexpr std::chrono::seconds kSlowDown{5};       ///< RFC 8628 section 3.5
constexpr std::chrono::seconds kLongestPause{60};  ///< between two tries at an endpoint that is not well

/// Nobody listens there: the browser fails to show it, and the address bar has what is wanted.
constexpr std::string_view kRedirect = "http://127.0.0.1:1/";

/// One talk with a person.
class Authorization {
 public:
  Authorization(const Relay& relay, TokenParts& parts, const Clock& clock)
      : relay_(relay),
        config_(*relay.account.oauth2),
        parts_(parts),
        clock_(clock),
        event_loop_(clock, {&parts.names, &parts.client}),
        reader_(FileReader::self()) {}

  Result<bool, Error> run() {
    if (auto problem = read_secrets()) return fail(*std::move(problem));
    const auto granted = config_.device_endpoint.empty() ? in_browser() : by_device();
    if (!granted) return fail(granted.error());
    if (granted->refresh_token.empty())
      return fail(fmt::format("{} gave no refresh token: the scope has to ask for one (Microsoft: offline_access)",
                              endpoint_name(config_.token_endpoint)));
    return keep(*granted);
  }

 private:
  std::optional<Error> read_secrets() {
    given_ = mark("");
    if (!config_.refresh_token_file.empty()) {
      // What is authorized now is newer than what the file holds, until somebody writes another one into it.
      if (const auto given = read_secret_file(config_.refresh_token_file, reader_)) given_ = mark(given->reveal());
    }
    if (config_.client_secret_file.empty()) return std::nullopt;
    auto read = read_secret_file(config_.client_secret_file, reader_);
    if (!read) return read.error();
    client_secret_ = *std::move(read);
    return std::nullopt;
  }

  Result<EndpointAnswer, Error> ask(const std::string& url, Secret form) {
    parts_.client.post(0, {url, config_.ca_file, std::move(form), relay_.settings->secret_limit});
    while (true) {
      for (HttpEvent& event : parts_.client.take_answers())
        return std::move(event.answer);
      event_loop_.wait(Instant::max());
    }
  }

  Result<GrantedToken, Error> by_device() {
    const auto code = begin();
    if (!code) return fail(code.error());
    show(*code);
    return wait(*code);
  }

  Result<GrantedToken, Error> in_browser() {
    std::string verifier = random_base64url(32);
    Consent consent{std::string(kRedirect), random_base64url(16), Secret(verifier), ""};
    consent.challenge = sha256_base64url(consent.verifier.reveal());
    write_text(
        fmt::format("Open this page in any browser, signed in as {}:\n\n    {}\n\nand consent. The browser ends at a "
                    "page that it cannot show, {}?... Copy the whole address of that page and paste it here:\n",
                    relay_.account.username, consent_url(config_, consent), kRedirect));
    const auto code = code_in(read_line(), consent);
    if (!code) return fail(code.error());
    asked_ = parts_.wall.seconds();
    const auto answer = ask(config_.token_endpoint, code_request(config_, client_secret_, *code, consent));
    if (!answer) return fail(endpoint_name(config_.token_endpoint) + " " + answer.error());
    const std::string_view sent[] = {client_secret_.reveal(), code->reveal(), consent.verifier.reveal()};
    auto classified = judge_token_answer(answer->status, read_json_answer(answer->body.reveal()), sent);
    if (!classified) return fail(refusal(classified.error()));
    return *std::move(classified);
  }

  Result<DeviceCode, Error> begin() {
    const std::string name = "device endpoint" + endpoint_name(config_.device_endpoint).substr(14) + " ";
    const auto answer = ask(config_.device_endpoint, device_request(config_, client_secret_));
    if (!answer) return fail(name + answer.error());
    const std::string_view sent[] = {client_secret_.reveal()};
    auto code = judge_device_answer(answer->status, read_json_answer(answer->body.reveal()), sent);
    if (code) return *std::move(code);
    std::string text = name + code.error().text;
    if (code.error().code == "invalid_scope") text += ": this provider does not give this scope to the device flow";
    return fail(std::move(text));
  }

  void show(const DeviceCode& code) const {
    std::string text = fmt::format("Open this page in any browser, signed in as {}:\n\n    {}\n\n",
                                   relay_.account.username, code.verification_uri);
    text += fmt::format("and enter this code:\n\n    {}\n\n", code.user_code);
    if (!code.complete_uri.empty())
      text += fmt::format("Or open it with the code in it:\n\n    {}\n\n", code.complete_uri);
    text += fmt::format("Waiting for that; the code is good for {}.\n", format_duration(code.lifetime));
    write_text(text);
  }

  Result<GrantedToken, Error> wait(const DeviceCode& code) {
    const Instant end = clock_.now() + code.lifetime;
    std::chrono::seconds interval = code.interval;
    while (true) {
      for (const Instant next = clock_.now() + interval; clock_.now() < next;)
        event_loop_.wait(next);
      if (clock_.now() >= end) return fail(Error("the code was not entered in time; start again"));
      asked_ = parts_.wall.seconds();
      const auto answer = ask(config_.token_endpoint, device_token_request(config_, client_secret_, code.device_code));
      const std::string_view sent[] = {client_secret_.reveal(), code.device_code.reveal()};
      if (!answer) {
        // RFC 8628 section 3.5: ask less often then.
        interval = std::min(2 * interval, kLongestPause);
        continue;
      }
      auto classified = judge_token_answer(answer->status, read_json_answer(answer->body.reveal()), sent);
      if (classified) return *std::move(classified);
      const EndpointTrouble& trouble = classified.error();
      if (trouble.kind == Kind::SlowDown) interval += kSlowDown;
      if (trouble.kind == Kind::Passing) interval = std::min(2 * interval, kLongestPause);
      if (trouble.kind == Kind::Refused || trouble.kind == Kind::ProtocolError) return fail(refusal(trouble));
    }
  }

  [[nodiscard]] Error refusal(const EndpointTrouble& trouble) const {
    if (trouble.code == "access_denied") return "the request was declined in the browser";
    if (trouble.code == "expired_token") return "the code was not entered in time; start again";
    return endpoint_name(config_.token_endpoint) + " " + trouble.text;
  }

  Result<bool, Error> keep(const GrantedToken& granted) {
    TokenRecord before;
    before.account = account_mark(config_);
    before.given = given_;
    const TokenRecord record = renewed(before, granted, asked_);
    if (auto problem = parts_.store.write(relay_.name, record)) return fail(*std::move(problem));
    return true;
  }

  const Relay& relay_;
  const Oauth2Config& config_;
  TokenParts& parts_;
  const Clock& clock_;
  PollEventLoop event_loop_;
  FileReader reader_;
  Secret client_secret_;
  std::uint64_t given_ = 0;
  TokenTime asked_{};
};

}  // namespace

Result<bool, std::string> authorize(const Relay& relay, TokenParts& parts, const Clock& clock) {
  return Authorization(relay, parts, clock).run();
}

}  // namespace relaypipe
