#pragma once

#include <cstddef>
#include <string>

namespace relaypipe {

/// Octets as hexadecimal digits in lower case.
template <class Octets>
std::string hex_text(const Octets& octets) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char octet : octets) {
    text += kDigits[octet >> 4U];
    text += kDigits[octet & 0xFU];
  }
  return text;
}

}  // namespace relaypipe
