#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/document_reader.h"
#include "relay/account.h"
#include "relay/provider.h"

namespace relaypipe {

/// A file with a secret: an absolute path, or `${CREDENTIALS_DIRECTORY}/NAME` (systemd.exec(5)).
void read_secret_path(const Section& section, const DocumentEntry& entry, std::string& path);

/// A command as an array: no shell reads it, so its program is an absolute path.
void read_command(const Section& section, const DocumentEntry& entry, std::vector<std::string>& argv);

/// Reads `[relay.NAME.oauth2]`.
void read_oauth2(const Section& section, const DocumentEntry& entry, AccountConfig& account);

/// What is known of a provider's tokens.
struct TokenPresets {
  const Provider* provider = nullptr;  ///< nullptr: none
  std::string_view https_scope;        ///< of its HTTPS interface; empty where the relay speaks SMTP
};

/// Puts in what is known, and judges the whole: exactly one of token_file,
/// token_command and token_endpoint, and with the last what a request to it needs (RFC 6749 4.4, 6).
void complete_oauth2(const Section& section, const DocumentEntry& entry, const TokenPresets& presets,
                     AccountConfig& account);

}  // namespace relaypipe
