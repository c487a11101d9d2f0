// An enhanced status begins what relays say and what goes to Postfix, where it decides between deferred and bounced.
#include <cstdio>
#include <string>

#include "fuzz.h"
#include "smtp/enhanced_status.h"

using namespace relaypipe;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto status = parse_enhanced_status(text);
  // Another reader of the same grammar, which also takes blanks and signs before a number.
  int klass = -1;
  int subject = -1;
  int detail = -1;
  int length = 0;
  const int found = std::sscanf(text.c_str(), "%1d.%3d.%3d%n", &klass, &subject, &detail, &length);
  if (!status) {
    const auto end = static_cast<std::size_t>(length);
    const bool plain = text.substr(0, end).find_first_not_of("0123456789.") == text.npos;
    const bool ends = end == text.size() || text[end] == ' ';
    const bool known = klass == 2 || klass == 4 || klass == 5;
    must(!(found == 3 && known && plain && ends), "a D.S.N is read", text);
    return 0;
  }
  must(found == 3 && *status == EnhancedStatus{klass, subject, detail}, "a status is its numbers", text);
  must(klass == 2 || klass == 4 || klass == 5, "a status has a class that exists", text);
  must(subject <= 999 && detail <= 999, "a status is in bounds", text);
  must(parse_enhanced_status(status->text()) == status, "a status reads itself back", text);
  must(parse_enhanced_status(status->text() + " text") == status, "a status ends at a blank", text);
  must(!parse_enhanced_status(status->text() + "0000"), "a status ends at a blank and nowhere else", text);
  must(status->as_soft().klass == 4 && status->as_soft().subject == subject, "only the class is softened", text);
  return 0;
}
