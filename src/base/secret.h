#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace relaypipe {

/// Octets that must not be seen: a password, a token. They are wiped when the object goes, cannot be copied by
/// accident, and have no formatter, so that no log line can hold them.
class Secret {
 public:
  Secret() = default;
  /// Takes the octets over and wipes what it took them from.
  explicit Secret(std::string& octets) : octets_(octets) { wipe(octets); }
  // Copied, since a short string that is moved leaves its octets where they were.
  // NOLINTNEXTLINE(performance-move-constructor-init)
  Secret(Secret&& other) noexcept : octets_(other.octets_) { wipe(other.octets_); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe(octets_);
      octets_ = other.octets_;
      wipe(other.octets_);
    }
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(octets_); }

  [[nodiscard]] Secret clone() const {
    Secret copy;
    copy.octets_ = octets_;
    return copy;
  }
  /// The octets, for the one place that needs them.
  [[nodiscard]] std::string_view reveal() const { return octets_; }
  /// The same with a final NUL, for C libraries.
  [[nodiscard]] const char* c_str() const { return octets_.c_str(); }
  [[nodiscard]] bool empty() const { return octets_.empty(); }

  /// Overwrites every octet the string has room for, and empties it. Through a volatile pointer, so that the compiler
  /// cannot leave it out as useless.
  static void wipe(std::string& octets) {
    octets.resize(octets.capacity());
    volatile char* const begin = octets.data();
    for (std::size_t i = 0; i < octets.size(); ++i)
      begin[i] = '\0';
    octets.clear();
  }

 private:
  std::string octets_;
};

}  // namespace relaypipe
