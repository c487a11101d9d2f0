#pragma once

#include <span>
#include <string_view>

#include "config/document.h"

namespace relaypipe {

/// The place where a key is written: the line to change when its value turns out to be of no use on this machine.
/// `section` is the place of the table as the configuration keeps it, or line 0 for the settings at the top of the file
/// and in `[defaults]`; `key` may be in a nested table, `oauth2.token_file`. Where the key is not written, as when its
/// value is inherited, the place is that of the section.
Position key_position(std::span<const Document> documents, const Position& section, std::string_view key);

}  // namespace relaypipe
