#include "config/ehlo_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/printable.h"
#include "relay/host.h"

namespace relaypipe {
namespace {

std::string_view next_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

/// `mail.example.com` for `mail`. The name is in lower case.
bool qualifies(std::string_view candidate, const std::string& name) {
  return lower(candidate).starts_with(name + ".") && candidate.size() > name.size() + 1 &&
         !host_name_problem(candidate);
}

/// The names of a line of hosts(5), behind its address.
std::vector<std::string_view> names_of(std::string_view line) {
  std::vector<std::string_view> words = split_list(line.substr(0, line.find('#')));
  if (!words.empty()) words.erase(words.begin());
  return words;
}

}  // namespace

std::string qualified_name(std::string_view name, std::string_view hosts, std::string_view mailname) {
  if (name.find('.') != name.npos) return std::string(name);
  const std::string own = lower(name);
  while (!hosts.empty()) {
    const std::vector<std::string_view> names = names_of(next_line(hosts));
    const auto found = std::find_if(names.begin(), names.end(), [&](auto word) { return qualifies(word, own); });
    if (found != names.end()) return std::string(*found);
  }
  const std::vector<std::string_view> mail = split_list(next_line(mailname));
  return mail.size() == 1 && qualifies(mail.front(), own) ? std::string(mail.front()) : std::string(name);
}

std::optional<std::string> ehlo_name_problem(std::string_view name) {
  const std::string written = lower(name);
  const bool bare = written.find('.') == written.npos && !written.starts_with('[');
  if (!bare && !written.ends_with(".localdomain")) return std::nullopt;
  return fmt::format(
      "EHLO name \"{}\" {}, and many relays refuse such a name; write the full name of this host, hostname = "
      "\"mail.example.com\", into [defaults]",
      shown(name), bare ? "has no dot" : "is not a name of the Internet");
}

}  // namespace relaypipe
