#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "base/secret.h"
#include "message/content_encoder.h"
#include "relay/relay.h"
#include "relay/settings.h"
#include "route/lookup.h"
#include "route/reach.h"
#include "smtp/capabilities.h"
#include "smtp/session_facts.h"
#include "verdict/outcome.h"

// Where the outside world begins. Each of these belongs to the spine, has its real form in io/ and its double in
// test/fake/. Nothing here blocks but Waiter::wait: everything else says what is there now.

namespace relaypipe {

/// The monotonic clock.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() const = 0;
};

/// The one place where time passes.
class Waiter {
 public:
  virtual ~Waiter() = default;
  /// Returns when something may have happened in any part of the world of this delivery, or at `until`.
  virtual void wait(Instant until) = 0;
};

/// What a relay's session is opened with.
struct DialTarget {
  Where where;
  const Relay* relay = nullptr;  ///< its settings and account; outlives the dialer
  std::string helo_name;
  TlsLevel tls = TlsLevel::May;
  bool implicit_tls = false;
  std::string bind_address;  ///< source address; empty: the system's choice
  TimeLimits limits;
};

/// A ready connection to a relay: greeted, EHLO said, TLS as wanted. Closing it is the destructor's business.
class Session {
 public:
  virtual ~Session() = default;
  [[nodiscard]] virtual const Capabilities& capabilities() const = 0;
  /// How it is protected and authenticated.
  [[nodiscard]] virtual const SessionFacts& facts() const = 0;
  /// Takes octets to send and returns how many it took; they count as sent. Fewer than offered: wait, then offer the
  /// rest.
  virtual std::size_t send(std::string_view octets) = 0;
  /// Whether everything taken has left this machine, as far as the system tells. What waits for it is woken when it
  /// may have.
  [[nodiscard]] virtual bool flushed() = 0;
  /// How many of the octets taken last have certainly not left: the relay's window or the path is full. It still tells
  /// when the connection has ended.
  [[nodiscard]] virtual std::size_t unsent() const = 0;
  /// Reads what is there into `buffer`; nothing when there is nothing now. After the relay's last octet ended() is
  /// true.
  virtual std::size_t receive(std::span<char> buffer) = 0;
  /// The connection is over: closed, reset, or broken. What was received before is still handed out.
  [[nodiscard]] virtual bool ended() const = 0;
};

using DialId = std::size_t;

/// What AUTH is said with at one relay.
struct Credentials {
  std::string username;
  Secret secret;         ///< a password, or an access token
  bool bearer = false;   ///< XOAUTH2 or OAUTHBEARER
  bool of_host = false;  ///< kept under the name of this very host, so meant for no other that DNS may name
};

/// The answer to Keyring::ask: nothing where the relay has no account, else the credentials, or why they cannot be had
/// (a printable phrase that holds no secret).
struct KeyringEvent {
  DialId id;
  Result<std::optional<Credentials>, std::string> result;
};

/// Finds the credentials of a relay: in a file, a map, by a command or at a token endpoint.
class Keyring {
 public:
  virtual ~Keyring() = default;
  /// Asks for the credentials of `relay` at `host` (its name after MX or SRV look-up). `refused`: those of the last
  /// answer were refused by the relay; a token is then fetched anew, and anything else answers with an error.
  virtual void ask(DialId id, const Relay& relay, std::string_view host, bool refused) = 0;
  /// The answers since the last call; those from files come at once.
  virtual std::vector<KeyringEvent> take_answers() = 0;
  /// No answer is wanted any more.
  virtual void cancel(DialId id) = 0;
};

struct DialEvent {
  DialId id;
  std::variant<std::unique_ptr<Session>, Unreached> result;
};

/// How far an attempt to open a session has come.
struct Progress {
  Stage stage = Stage::Connect;  ///< where it stands
  /// When it completed its last step: credentials that had to be waited for, the connection, TLS, a whole reply.
  /// Nothing: it has completed none.
  std::optional<Instant> step = std::nullopt;
};

/// Opens sessions, several at a time.
class Dialer {
 public:
  virtual ~Dialer() = default;
  virtual void start(DialId id, const DialTarget& target) = 0;
  /// Gives an attempt up and returns the stage it had reached; no event comes for it afterwards.
  virtual Stage cancel(DialId id) = 0;
  [[nodiscard]] virtual Progress progress(DialId id) const = 0;
  /// The stage an attempt stands at.
  [[nodiscard]] Stage stage(DialId id) const { return progress(id).stage; }
  virtual std::vector<DialEvent> take_events() = 0;
};

struct LookupEvent {
  Question question;
  Answer answer;
};

/// Asks DNS and the hosts file.
class Resolver {
 public:
  virtual ~Resolver() = default;
  /// Asking what is being asked already is allowed and answered once.
  virtual void ask(const Question& question) = 0;
  virtual std::vector<LookupEvent> take_answers() = 0;
};

/// The content of the message: read once, kept in wire form (CRLF, dot-stuffed, without the final dot), replayed for
/// every attempt.
class MessageSource {
 public:
  virtual ~MessageSource() = default;
  enum class State { Reading, Complete, Failed };
  [[nodiscard]] virtual State state() const = 0;
  /// What went wrong, when Failed.
  [[nodiscard]] virtual const std::string& failure() const = 0;
  /// Final when Complete.
  [[nodiscard]] virtual const ContentFacts& facts() const = 0;
  /// Octets of the wire form from `offset` on: at least one below facts().wire. The view holds until the next call.
  /// Nothing (an empty view before the end) means that the spool cannot be read.
  virtual std::string_view read(std::uint64_t offset) = 0;
};

/// Who started us, and whether they still want the result.
class Caller {
 public:
  virtual ~Caller() = default;
  enum class State {
    Present,
    Gone,  ///< nobody reads our result, or the parent is another one: pipe(8) is dead and the message still queued
    Terminating,  ///< a signal asked us to end
  };
  [[nodiscard]] virtual State state() = 0;
};

/// Our log. Must neither block nor fail: what cannot be written is dropped.
class Journal {
 public:
  virtual ~Journal() = default;
  enum class Level { Info, Warning };
  virtual void line(Level level, std::string_view text) = 0;
};

/// What a TLS handshake showed, as far as it came.
struct TlsReport {
  std::string version;  ///< as OpenSSL writes it, `TLSv1.3`; empty where the handshake did not end
  std::string cipher;
  std::vector<std::string> names;  ///< DNS names of the certificate, or its common name; empty where none was seen
  std::string issuer;
  std::int64_t not_after = 0;  ///< the certificate's end, seconds since 1970
  std::string fingerprint;     ///< of its public key, as tls_fingerprint writes it
};

/// The dialogue for a person who watches (`-v`); secrets are masked before they get here.
class Trace {
 public:
  virtual ~Trace() = default;
  enum class Direction { Sent, Received, Note };
  virtual void dialogue(const Where& where, Direction direction, std::string_view line) = 0;
  /// An attempt has come to another stage; Connect begins it.
  virtual void reached(const Where&, Stage) {}
  /// Its TLS handshake has ended, well or not.
  virtual void secured(const Where&, const TlsReport&) {}
};

}  // namespace relaypipe
