#include "base/packed.h"

#include <bit>
#include <limits>

namespace relaypipe {

void Packer::number(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U)
    octets_ += static_cast<char>((value & 0x7FU) | 0x80U);
  octets_ += static_cast<char>(value);
}

void Packer::real(double value) {
  std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
  for (int i = 0; i < 8; ++i, bits >>= 8U)
    octets_ += static_cast<char>(bits & 0xFFU);
}

void Packer::text(std::string_view text) {
  number(text.size());
  octets_ += text;
}

void Packer::owner(const Owner& owner) {
  number(owner.token);
}

std::uint64_t Unpacker::number() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
    const auto octet = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    value |= static_cast<std::uint64_t>(octet & 0x7FU) << shift;
    if ((octet & 0x80U) == 0) return value;
  }
  fine_ = false;
  rest_ = {};
  return 0;
}

std::size_t Unpacker::count() {
  const std::uint64_t value = number();
  if (value <= rest_.size()) return value;
  fine_ = false;
  rest_ = {};
  return 0;
}

std::uint32_t Unpacker::small() {
  const std::uint64_t value = number();
  fine_ = fine_ && value <= std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(value);
}

double Unpacker::real() {
  if (rest_.size() < 8) {
    fine_ = false;
    rest_ = {};
    return 0;
  }
  std::uint64_t bits = 0;
  for (unsigned i = 0; i < 8; ++i)
    bits |= static_cast<std::uint64_t>(static_cast<unsigned char>(rest_[i])) << (8 * i);
  rest_.remove_prefix(8);
  return std::bit_cast<double>(bits);
}

std::string Unpacker::text() {
  const std::size_t size = count();
  std::string text(rest_.substr(0, size));
  rest_.remove_prefix(size);
  return text;
}

Owner Unpacker::owner() {
  return {number()};
}

}  // namespace relaypipe
