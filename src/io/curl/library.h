#pragma once

#include <string>
#include <string_view>

namespace relaypipe {

/// Initialises libcurl; to be called before its first use, any number of times. What libcurl frees is overwritten
/// first: its copies of passwords and tokens, and the AUTH lines made of them, do not stay behind in memory.
void start_libcurl();

/// Which libcurl this is, with its TLS library, as people are told it: the system's, or one that was built in.
std::string libcurl_version();

/// Whether a SASL mechanism, in upper case, cannot be spoken because this libcurl was built without it. Asked to use
/// it, libcurl would pass over it without a word.
bool libcurl_lacks(std::string_view mechanism);

}  // namespace relaypipe
