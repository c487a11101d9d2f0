#pragma once

#include <optional>
#include <string_view>

namespace relaypipe {

/// Where in reaching a relay or talking to it something happened, in the order of time. What a failure means is asked
/// of the stage first and of the reply second (design: "What an outcome means").
/// A relay that speaks HTTPS has Connect, Tls, Request (the head of a request, up to its answer where it has no body),
/// Content and EndOfData (the answer).
enum class Stage {
  Resolve,
  Connect,
  Greeting,
  Ehlo,
  StartTls,
  Tls,
  Auth,
  Request,
  Mail,
  Rcpt,
  Data,
  Content,
  EndOfData,
  Quit,
};

/// Postfix's words for "while …" in its log texts (smtp_proto.c), e.g. "sending MAIL FROM".
std::string_view while_doing(Stage stage);
/// Postfix's words for "(in reply to … command)", e.g. "MAIL FROM", "end of DATA"; empty where no command came before.
std::string_view command_name(Stage stage);
/// The plain name of the stage, as settings, journals and rules write it, e.g. "end_of_data".
std::string_view name(Stage stage);
/// The stage of that plain name.
std::optional<Stage> find_stage(std::string_view name);

}  // namespace relaypipe
