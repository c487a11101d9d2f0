#include "command/wiring/command.h"

#include "command/wiring/json_text.h"
#include "io/system/standard_streams.h"

namespace relaypipe {

int end_without_arguments(const NoArguments& none) {
  write_text(none.text + "\n");
  return none.asked ? kDone : kBadInput;
}

int refuse(const std::string& text, int status) {
  write_text(text + "\n");
  return status;
}

int refuse_as(bool json, const std::string& text, int status) {
  write_text(json ? error_json(text) : text + "\n");
  return status;
}

}  // namespace relaypipe
