#include "verdict/fitness.h"

namespace relaypipe {

std::optional<Unfit> misfit(const Envelope& envelope, const ContentFacts& content, const Capabilities& relay) {
  if (envelope.is_internationalized() && !relay.smtputf8) return Unfit{Unfit::Why::NoSmtpUtf8};
  if (relay.size_limit && content.size > *relay.size_limit) {
    return Unfit{Unfit::Why::TooBig, content.size, *relay.size_limit};
  }
  return std::nullopt;
}

}  // namespace relaypipe
