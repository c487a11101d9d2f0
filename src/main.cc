#include <unistd.h>

#include <exception>
#include <string>
#include <vector>

#include "command/commands.h"
#include "command/help.h"
#include "command/pipe.h"
#include "io/system/own_environment.h"
#include "io/system/standard_streams.h"
#include "io/system/system_clock.h"
#include "verdict/exit_status.h"

/// Picks the front-end. The one catch-all: a broken assumption defers.
int main(int argc, char** argv) {
  using namespace relaypipe;
  int status = kExitDeferred;
  try {
    occupy_standard_descriptors();
    close_inherited_descriptors();
    clean_environment();
    const Instant started = SystemClock().now();
    std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    const Command* const command = words.empty() ? nullptr : find_command(words.front());
    if (const auto text = information(words)) {
      write_text(*text);
      status = kExitDelivered;
    } else if (words.empty() && !stdin_is_pipe()) {
      write_text(help_text());
    } else if (command != nullptr) {
      words.erase(words.begin());
      status = command->run(words);
    } else if (const auto mistake = unknown_command(words)) {
      // The status stays that of a deferral, and who hands us a message gets the line for Postfix: it keeps the
      // message.
      stdin_is_pipe() ? write_result(report_line(refused_verdict({4, 3, 5}, "usage: " + *mistake)))
                      : write_text(*mistake + "\n");
    } else {
      status = run_pipe(words, started);
    }
  } catch (const std::exception& error) {
    write_result(report_line(refused_verdict({4, 3, 0}, std::string("internal error: ") + error.what())));
    status = kExitDeferred;
  } catch (...) {
    status = kExitDeferred;
  }
  // No destructors of libraries: everything that matters is written, and they cost time on every message.
  _exit(status);
}
