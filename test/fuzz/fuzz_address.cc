// An envelope address: whatever a stranger got past smtpd. It must not become another command, nor another address.
#include <string>

#include "base/printable.h"
#include "fuzz.h"
#include "message/address.h"

namespace {

using namespace relaypipe;

/// The end of a quoted string that begins at the front, or 0.
std::size_t quoted_end(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      return i + 1;
  }
  return 0;
}

/// How a server reads a path (RFC 5321 4.1.2): up to the `>` that stands outside quotes.
void check_path(const Address& address) {
  const std::string path = address.path();
  must(path.size() <= 902, "a path fits into a command", path);
  for (const char c : path)
    must(static_cast<unsigned char>(c) >= ' ' && c != '\x7F', "a path has no control octets", path);
  const std::string_view text = address.text();
  const std::size_t local_end = text.starts_with('"') ? quoted_end(text) : text.find('@');
  if (local_end == text.npos) {
    must(lower(text) == "postmaster", "only postmaster has no domain", path);
    return;
  }
  must(local_end > 0 && local_end < text.size() && text[local_end] == '@', "the local part ends at its @", path);
  must(address.domain() == text.substr(local_end + 1), "the domain is what follows", path);
  must(!address.domain().empty(), "a domain is not empty", path);
  const bool literal = address.domain().front() == '[';
  must(address.domain().find_first_of(literal ? " <>\\" : " <>()\"\\,;@") == text.npos, "a domain ends no path", path);
  if (!text.starts_with('"')) {
    const std::string_view local = text.substr(0, local_end);
    must(local.find_first_of(" <>()[]:;\\,\"") == text.npos, "an unquoted local part ends no path", path);
    must(!local.empty() && local.find("..") == text.npos, "an unquoted local part is a dot-string", path);
  }
}

void check(const Address& address, std::string_view given) {
  check_path(address);
  const auto again = parse_address(address.text());
  must(again && *again == address, "an address reads itself back", given);
  const auto bracketed = parse_address(address.path());
  must(bracketed && *bracketed == address, "a path is its address", given);
  const bool eight_bit = std::string_view(address.text()).find_first_of("\xC3\xBC\xFF\x80") != std::string_view::npos;
  must(!eight_bit || address.is_internationalized(), "an 8-bit address is internationalized", given);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto address = parse_address(text);
  if (address) {
    must(!address->is_null(), "a recipient is not null", text);
    check(*address, text);
  } else {
    must_be_line(address.error());
  }
  const auto sender = parse_sender(text);
  must(!sender || sender->is_null() || (address && *sender == *address), "a sender is read like a recipient", text);
  must(sender || !address, "what may be a recipient may be a sender", text);
  return 0;
}
