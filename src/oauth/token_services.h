#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/secret.h"
#include "oauth/token_answer.h"
#include "oauth/token_record.h"

// What the broker of access tokens needs of the outside world.

namespace relaypipe {

/// One question to an endpoint: a form, sent by POST over verified HTTPS.
struct HttpPost {
  std::string url;
  std::string ca_file;  ///< the only authorities trusted; empty: the system's
  Secret form;
  Duration limit;  ///< of the whole exchange
};

struct EndpointAnswer {
  int status = 0;
  Secret body;
};

struct HttpEvent {
  DialId id;
  Result<EndpointAnswer, std::string> answer;  ///< the error is a phrase: `cannot be reached: Connection refused`
};

/// Asks endpoints, several at a time.
class HttpPoster {
 public:
  virtual ~HttpPoster() = default;
  virtual void post(DialId id, HttpPost post) = 0;
  /// The answers since the last call.
  virtual std::vector<HttpEvent> take_answers() = 0;
  /// No answer is wanted any more.
  virtual void cancel(DialId id) = 0;
};

/// Released when it goes, and by the system when the process dies.
class TokenLock {
 public:
  virtual ~TokenLock() = default;
};

/// Where tokens are kept between deliveries. Trouble with it never stops a delivery: every problem is a phrase for the
/// log.
class TokenStore {
 public:
  virtual ~TokenStore() = default;
  /// What is kept for a relay; nothing where nothing is.
  virtual Result<std::optional<TokenRecord>, std::string> read(const std::string& relay) = 0;
  /// Keeps a record in place of the last one: whoever reads sees one or the other. Returns the problem, if there was
  /// one.
  virtual std::optional<std::string> write(const std::string& relay, const TokenRecord& record) = 0;

  struct Locking {
    std::unique_ptr<TokenLock> lock;  ///< ours now, unless null
    std::string problem;              ///< why there can be no lock at all; empty with no lock: another process has it
  };
  /// Tries to become the one process that renews the token of a relay. Does not wait.
  virtual Locking try_lock(const std::string& relay) = 0;
};

/// Reads the JSON object an endpoint sent; nothing where it is none.
using AnswerReader = std::function<std::optional<AnswerFields>(std::string_view)>;

/// Reads a file with a secret, after a look at its rights. The error is a phrase that names the file.
using SecretReader = std::function<Result<Secret, std::string>(const std::string& file)>;

}  // namespace relaypipe
