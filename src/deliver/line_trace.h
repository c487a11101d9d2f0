#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "deliver/observer.h"

namespace relaypipe {

/// Cuts a stream of octets into lines for the trace.
class LineTrace {
 public:
  LineTrace(Trace* trace, const Peer& peer, Trace::Direction direction)
      : trace_(trace), peer_(peer), direction_(direction) {}

  void octets(std::string_view octets) {
    if (trace_ == nullptr) return;
    for (const char c : octets) {
      if (c == '\n')
        trace_->dialogue(peer_, direction_, std::exchange(line_, {}));
      else if (c != '\r')
        line_ += c;
    }
  }

 private:
  Trace* trace_;
  const Peer& peer_;
  Trace::Direction direction_;
  std::string line_;
};

}  // namespace relaypipe
