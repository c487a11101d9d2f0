#pragma once

#include <string_view>

namespace relaypipe {

/// Spaces, tabs and line ends: what stands around a value that a person wrote.
inline constexpr std::string_view kWhitespace = " \t\r\n\v\f";

/// The text without whitespace at its beginning and end.
std::string_view trimmed(std::string_view text);

/// Takes the text before the first blank off the front of `text`, and that blank; all of it where there is none.
std::string_view next_word(std::string_view& text);

/// Whether the text has an ASCII control character, NUL and DEL included: what no line of a protocol, a log or a file
/// of ours may hold.
bool has_control(std::string_view text);

}  // namespace relaypipe
