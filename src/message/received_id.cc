#include "message/received_id.h"

#include <algorithm>
#include <cstddef>

#include "base/printable.h"
#include "base/text.h"

namespace relaypipe {
namespace {

constexpr std::size_t kMostOctets = 4096;  // only fields that were put before Postfix's own are looked through
constexpr std::size_t kMostIdOctets = 50;

/// Where the field that begins `wire` ends: behind a line end that no continuation follows; npos where that is not here
/// yet.
std::size_t end_of_field(std::string_view wire) {
  for (std::size_t from = 0;;) {
    const std::size_t end = wire.find('\n', from);
    if (end == std::string_view::npos || end + 1 == wire.size()) return std::string_view::npos;
    if (wire[end + 1] != ' ' && wire[end + 1] != '\t') return end + 1;
    from = end + 1;
  }
}

/// Takes the next word off the text; a comment with all that is in it is one word.
std::string_view take_word(std::string_view& text) {
  text = trimmed(text);
  std::size_t end = std::min(text.find_first_of(kWhitespace), text.size());
  if (text.starts_with('(')) end = std::min(text.find(')'), text.size() - 1) + 1;
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kMostIdOctets && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
}

/// The id in the body of a Received field.
std::string id_of(std::string_view body, std::string_view host) {
  if (lower(take_word(body)) != "by" || lower(take_word(body)) != lower(host)) return {};
  if (!take_word(body).starts_with('(') || lower(take_word(body)) != "id") return {};
  std::string_view id = take_word(body);
  if (!id.ends_with(';')) return {};
  id.remove_suffix(1);
  return is_id(id) ? std::string(id) : std::string();
}

}  // namespace

ReceivedId find_received_id(std::string_view wire, std::string_view host) {
  constexpr std::string_view kName = "received:";
  const bool enough = wire.size() >= kMostOctets;
  for (;;) {
    // An empty line, the final dot, or what is no field ends the header.
    const std::size_t line = wire.find('\n');
    if (line != std::string_view::npos && wire.substr(0, line).find(':') == std::string_view::npos) return {true, {}};
    const std::size_t end = end_of_field(wire);
    if (end == std::string_view::npos) return {enough, {}};
    const std::string_view field = wire.substr(0, end);
    if (lower(field.substr(0, kName.size())) == kName) return {true, id_of(field.substr(kName.size()), host)};
    wire.remove_prefix(end);
  }
}

}  // namespace relaypipe
