#include "io/pcre_matcher.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <cstdint>
#include <memory>

#include "base/printable.h"

namespace relaypipe {
namespace {

// Far above what an honest expression needs on a reply, far below what a person notices.
constexpr std::uint32_t kSteps = 1'000'000;
constexpr std::uint32_t kDepth = 10'000;
constexpr std::uint32_t kHeapKib = 4096;
constexpr std::size_t kPatternOctets = 4096;
constexpr std::uint32_t kOptions = PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C;

struct Free {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
template <class Handle>
using Owned = std::unique_ptr<Handle, Free>;

struct Compiled {
  Owned<pcre2_code> code;
  int error = 0;
  PCRE2_SIZE offset = 0;
};

Compiled compile(std::string_view pattern) {
  Compiled compiled;
  if (pattern.size() > kPatternOctets) {
    compiled.error = PCRE2_ERROR_NOMEMORY;
    return compiled;
  }
  const auto* const octets = reinterpret_cast<PCRE2_SPTR>(pattern.data());
  compiled.code.reset(pcre2_compile(octets, pattern.size(), kOptions, &compiled.error, &compiled.offset, nullptr));
  return compiled;
}

}  // namespace

PatternMatcher::Match PcreMatcher::match(std::string_view pattern, std::string_view text) {
  const Compiled compiled = compile(pattern);
  if (!compiled.code) return Match::Failed;
  const Owned<pcre2_match_data> data(pcre2_match_data_create(1, nullptr));
  const Owned<pcre2_match_context> context(pcre2_match_context_create(nullptr));
  if (!data || !context) return Match::Failed;
  pcre2_set_match_limit(context.get(), kSteps);
  pcre2_set_depth_limit(context.get(), kDepth);
  pcre2_set_heap_limit(context.get(), kHeapKib);
  const int found = pcre2_match(compiled.code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0,
                                data.get(), context.get());
  if (found >= 0) return Match::Yes;
  return found == PCRE2_ERROR_NOMATCH ? Match::No : Match::Failed;
}

std::optional<PatternMatcher::Problem> PcreMatcher::problem(std::string_view pattern) {
  const Compiled compiled = compile(pattern);
  if (compiled.code) return std::nullopt;
  if (pattern.size() > kPatternOctets) return Problem{kPatternOctets, "it is too long"};
  std::array<PCRE2_UCHAR, 256> text{};
  const int length = pcre2_get_error_message(compiled.error, text.data(), text.size());
  const auto* const octets = reinterpret_cast<const char*>(text.data());
  return Problem{compiled.offset,
                 length > 0 ? printable({octets, static_cast<std::size_t>(length)}) : "it cannot be read"};
}

}  // namespace relaypipe
