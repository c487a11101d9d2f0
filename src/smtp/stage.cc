#include "smtp/stage.h"

#include <array>
#include <cstddef>

namespace relaypipe {
namespace {

struct Words {
  std::string_view name;
  std::string_view doing;
  std::string_view command;
};

// In the order of Stage.
constexpr std::array<Words, 14> kWords{{
    {"resolve", "looking up the host", ""},
    {"connect", "connecting", ""},
    {"greeting", "receiving the initial server greeting", ""},
    {"ehlo", "performing the EHLO handshake", "EHLO"},
    {"starttls", "receiving the STARTTLS response", "STARTTLS"},
    {"tls", "performing the TLS handshake", ""},
    {"auth", "performing the AUTH handshake", "AUTH"},
    {"request", "sending the HTTP request", "POST"},
    {"mail", "sending MAIL FROM", "MAIL FROM"},
    {"rcpt", "sending RCPT TO", "RCPT TO"},
    {"data", "sending DATA command", "DATA"},
    {"content", "sending message body", "DATA"},
    {"end_of_data", "sending end of data -- message may be sent more than once", "end of DATA"},
    {"quit", "sending QUIT", "QUIT"},
}};

const Words& words(Stage stage) { return kWords.at(static_cast<std::size_t>(stage)); }

}  // namespace

std::string_view while_doing(Stage stage) { return words(stage).doing; }
std::string_view command_name(Stage stage) { return words(stage).command; }
std::string_view name(Stage stage) { return words(stage).name; }

std::optional<Stage> find_stage(std::string_view name) {
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    if (kWords.at(i).name == name) return static_cast<Stage>(i);
  }
  return std::nullopt;
}

}  // namespace relaypipe
