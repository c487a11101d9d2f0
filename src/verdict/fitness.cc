#include "verdict/fitness.h"

namespace relaypipe {

std::optional<Unsupported> find_unsupported(const Envelope& envelope, const ContentFacts& content,
                                            const Capabilities& relay, std::optional<std::uint64_t> max_size) {
  if (envelope.is_internationalized() && !relay.smtputf8) return Unsupported{Unsupported::Why::NoSmtpUtf8};
  for (const std::optional<std::uint64_t>& limit : {relay.size_limit, max_size}) {
    if (limit && content.size > *limit) return Unsupported{Unsupported::Why::TooBig, content.size, *limit};
  }
  return std::nullopt;
}

}  // namespace relaypipe
