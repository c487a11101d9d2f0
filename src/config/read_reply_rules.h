#pragma once

#include <vector>

#include "config/document_reader.h"
#include "relay/reply_rule.h"

namespace relaypipe {

/// Reads `reply = [{ stage, code, status, match, means, until }, ...]` of `[defaults]` or a `[relay.NAME]`, and adds
/// its rules in their order. Whether `match` is a regular expression is asked elsewhere (verdict/check_rules.h),
/// because that takes a library.
void read_reply_rules(const Section& section, const DocumentEntry& entry, std::vector<ReplyRule>& rules);

}  // namespace relaypipe
