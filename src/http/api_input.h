#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/sha256.h"
#include "base/wall_time.h"
#include "message/content_encoder.h"
#include "message/envelope.h"
#include "relay/credentials.h"
#include "relay/https_settings.h"

namespace relaypipe {

/// What the header of a message says of its recipients (RFC 5322 section 3.6.3).
struct HeaderRecipients {
  std::vector<Address> addresses;    ///< in To and Cc
  std::vector<Address> resent = {};  ///< in Resent-To and Resent-Cc, which not every interface writes to
  std::string problem = {};          ///< why they are not known: a phrase; empty where they are
  /// Where its Bcc and Resent-Bcc fields are in the wire form, each from its first octet to behind its last.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> bcc = {};
  std::uint64_t end = 0;          ///< behind the last field
  std::string_view closing = {};  ///< what has to follow a field that is put in there (message/header_fields)
};

/// What a request that carries the message is made of.
struct ApiInput {
  const Envelope& envelope;
  const ContentFacts& content;
  const HeaderRecipients& header;  ///< asked only where ProviderApi::recipients_in_header
  const HttpsSettings& settings;
  std::string_view boundary;  ///< letters and digits nobody can guess, at least 128 bits of them; for multipart
};

/// Who asks, and when.
struct ApiCaller {
  std::string_view host;  ///< as in Host
  const Credentials& credentials;
  const HttpsSettings& settings;
  WallTime now;
  const MakeSha256& sha256;
};

}  // namespace relaypipe
