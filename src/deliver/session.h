#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/deadline.h"
#include "base/ids.h"
#include "relay/credentials.h"
#include "relay/relay.h"
#include "relay/relay_settings.h"
#include "route/endpoint_lookup.h"
#include "smtp/capabilities.h"
#include "smtp/session_facts.h"
#include "smtp/stage.h"
#include "verdict/attempt_result.h"

namespace relaypipe {

/// What a relay's session is opened with.
struct DialTarget {
  Peer peer;
  const Relay* relay = nullptr;  ///< its settings and account; outlives the dialer
  std::string helo_name;
  TlsLevel tls = TlsLevel::May;  ///< by tls_policy(), without credentials: whether there are some the dialer finds out
  bool implicit_tls = false;
  bool handshake_failed = false;  ///< the connection before this one broke in the TLS handshake
  std::string bind_address;       ///< source address; empty: the system's choice
  TimeLimits limits;
};

/// How a transaction leaves its session.
enum class SessionEnd {
  Unusable,     ///< the relay is not at a command boundary, or not in step
  Transaction,  ///< in step, but a transaction may be open, which RSET ends
  Clean,        ///< in step, as after EHLO
  Last,         ///< the same, but the relay takes no further message in it, perhaps
};

/// A ready connection to a relay: greeted, EHLO said, TLS as wanted; with HTTPS connected, and its certificate
/// verified. Closing it is the destructor's business.
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
  /// What requests in it are signed with, or bear; nullptr where the relay speaks SMTP, whose AUTH has been said.
  [[nodiscard]] virtual const Credentials* credentials() const { return nullptr; }
  /// Nothing more is said in it by its present user. Unless somebody keeps sessions, a relay that speaks SMTP is told
  /// by QUIT.
  virtual void finish(SessionEnd end) {
    if (end != SessionEnd::Unusable) send("QUIT\r\n");
  }
  /// Whether it goes on after its transaction: then nothing may leave behind the dot.
  [[nodiscard]] virtual bool is_kept() const { return false; }
  /// Whether it had transactions before. The relay may have closed it meanwhile, which is no failure.
  [[nodiscard]] virtual bool is_used() const { return false; }
};

/// Whether the relay has ended a session in which nothing is asked: it closed it, or said something (421).
inline bool is_over(Session& session) {
  std::array<char, 512> buffer;
  return session.receive(buffer) > 0 || session.ended();
}

struct DialEvent {
  DialId id;
  std::variant<std::unique_ptr<Session>, SessionFailure> result;
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
  /// A request was refused for its credentials: the next session of this relay is opened with new ones, where they can
  /// be had. With SMTP the dialer finds out by itself.
  virtual void credentials_refused(const Relay&) {}
};

}  // namespace relaypipe
