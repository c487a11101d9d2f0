#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "http/json_members.h"

namespace relaypipe {

/// What Amazon's interfaces are signed with.
struct AccessKey {
  std::string id;
  Secret secret;
  Secret session_token;  ///< of temporary credentials; else empty
};

/// Reads an access key as Amazon's tools write it: lines `AWS_ACCESS_KEY_ID=…`, `AWS_SECRET_ACCESS_KEY=…` and perhaps
/// `AWS_SESSION_TOKEN=…` (an environment file, also with `export` and quotes; or a credentials file with names in lower
/// case and one profile), or the JSON that `aws configure export-credentials`, `aws sts assume-role` and the metadata
/// of an instance give. The error is the end of a sentence that begins with where the text is from, and holds none of
/// it.
Result<AccessKey, std::string> parse_access_key(std::string_view text, ReadJson read_json);

}  // namespace relaypipe
