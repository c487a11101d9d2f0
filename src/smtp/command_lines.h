#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace relaypipe {

inline constexpr std::size_t kCommandLineOctets = std::size_t{16} * 1024;  ///< no command of lmtp(8) is longer

/// The octets of a client, cut into command lines or taken as they are. A line ends at LF; blanks and CR around it are
/// for the reader to take off. Streaming: every split of the input gives the same lines, and of one that is too long
/// only the beginning is kept.
class CommandLines {
 public:
  void append(std::string_view octets);

  struct Line {
    std::string_view text;  ///< without LF; stands until take() or append()
    bool overlong = false;  ///< longer than kCommandLineOctets: `text` is its beginning
  };
  /// The next whole line, which stays the next one until take(). Of a line that is too long and not whole yet the
  /// octets are dropped.
  std::optional<Line> next();
  void take();

  /// What was not taken yet, and taking some of it, for what does not come in lines.
  [[nodiscard]] std::string_view rest() const { return std::string_view(octets_).substr(taken_); }
  void take(std::size_t count) { taken_ += count; }
  void drop() { taken_ = octets_.size(); }

 private:
  std::string octets_;
  std::size_t taken_ = 0;
  std::optional<std::string> overlong_;  ///< the beginning of a line whose other octets are dropped
};

}  // namespace relaypipe
