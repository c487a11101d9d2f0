#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/sha256.h"
#include "base/wall_time.h"
#include "http/http_field.h"

namespace relaypipe {

/// What of a request is signed by Amazon's Signature Version 4
/// (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
struct SigV4Request {
  std::string_view method;
  std::string_view target;        ///< path and query, normal and percent-encoded as they are sent
  std::vector<HttpField> fields;  ///< all that are signed: at least Host; names in lower case, values trimmed
  std::string_view body_sha256;   ///< hexadecimal
};

/// For whom.
struct SigV4Scope {
  std::string_view region;   ///< `eu-west-1`
  std::string_view service;  ///< `ses`
  WallTime now;
};

/// The time as a request has it in X-Amz-Date: `20150830T123600Z`.
std::string sigv4_time(WallTime now);

/// The value of Authorization. X-Amz-Date is one of the request's fields, and so is X-Amz-Security-Token where the
/// credentials have one.
std::string sigv4_authorization(const SigV4Request& request, const SigV4Scope& scope, std::string_view access_key,
                                std::string_view secret_key, const MakeSha256& make);

}  // namespace relaypipe
