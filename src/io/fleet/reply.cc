#include "io/fleet/reply.h"

#include "base/printable.h"

namespace relaypipe {
namespace {

constexpr std::size_t kLongestWords = 150;

}  // namespace

std::string problem_of(const StoreReply& reply) {
  if (reply.kind != StoreReply::Kind::Error) return "it answers what this version does not understand";
  if (reply.text.empty()) return "it answers with an error without words";
  return std::string(clip(printable(reply.text), kLongestWords));
}

}  // namespace relaypipe
