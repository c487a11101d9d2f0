#pragma once

#include <string>
#include <string_view>

namespace relaypipe {

/// `text` with every absolute path of a file reduced to its last component: `/etc/relaypipe/ses.secret cannot be
/// opened` becomes `ses.secret cannot be opened`. For words of our own that senders may read in a delay notice; the log
/// has the whole path. What follows a letter, a digit or another slash is no path: URLs stay as they are.
std::string without_directories(std::string_view text);

}  // namespace relaypipe
