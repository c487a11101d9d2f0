#pragma once

namespace relaypipe {

/// Initialises libcurl; to be called before its first use, any number of times. What libcurl frees is overwritten
/// first: its copies of passwords and tokens, and the AUTH lines made of them, do not stay behind in memory.
void start_libcurl();

}  // namespace relaypipe
