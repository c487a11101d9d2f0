#pragma once

#include <string>
#include <string_view>

namespace relaypipe {

/// Whether the value of this key, or of what this key was meant to be, may be a secret: by the words in its name, so
/// that misspelt keys and those of other programs count too. Messages about such a value never quote it, because they
/// go to the log, to mailq, and to senders in notices of delay.
bool may_hold_secret(std::string_view key);

/// The text of a problem with `the value` in the place of every quotation of the value or a part of it.
std::string without_value(std::string_view problem, std::string_view value);

/// The text of a destination or a list without what stands before its last `@`: a user name and a password, as in the
/// addresses of other programs.
std::string without_user(std::string_view text);

/// For an unknown key by which somebody meant to write a secret into the file: where it belongs instead. Empty for all
/// others.
std::string_view secret_advice(std::string_view key);

}  // namespace relaypipe
