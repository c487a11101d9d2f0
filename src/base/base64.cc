#include "base/base64.h"

#include <cstdint>

namespace relaypipe {
namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Up to three octets as one number of 24 bits.
std::uint32_t group_of(std::string_view octets) {
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < 3; ++i)
    group = group << 8U | (i < octets.size() ? static_cast<unsigned char>(octets[i]) : 0U);
  return group;
}

}  // namespace

void append_base64(std::string_view octets, std::string& text) {
  std::size_t at = text.size();
  text.resize(at + (octets.size() + 2) / 3 * 4, '=');
  while (!octets.empty()) {
    const std::uint32_t group = group_of(octets);
    const std::size_t taken = octets.size() < 3 ? octets.size() : 3;
    for (std::size_t digit = 0; digit <= taken; ++digit)
      text[at + digit] = kDigits[group >> (18 - 6 * digit) & 0x3FU];
    at += 4;
    octets.remove_prefix(taken);
  }
}

std::string base64(std::string_view octets) {
  std::string text;
  append_base64(octets, text);
  return text;
}

}  // namespace relaypipe
