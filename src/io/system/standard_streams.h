#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "deliver/observer.h"

namespace relaypipe {

/// Makes sure that 0, 1 and 2 are open, so that no socket of ours ever gets one of these numbers and receives a line
/// meant for Postfix.
void occupy_standard_descriptors();

/// Closes every descriptor but those three. pipe(8) leaves no other; a caller that does would make us pay for each of
/// them.
void close_inherited_descriptors();

/// Whether standard output is a terminal: a person reads the result.
bool stdout_is_terminal();

/// The columns of the terminal that standard output is, 80 where it does not say; 0 for a file or a pipe.
std::size_t stdout_columns();

/// Whether standard output is a socket: another program, such as lmtp(8), is at its other end.
bool stdout_is_socket();

/// Takes standard error away where it is the same socket as standard output (spawn(8)): whatever is written there would
/// be taken for a reply.
void silence_standard_error();

/// Whether standard input is a pipe or a socket, as for a delivery; else nobody hands us a message.
bool stdin_is_pipe();

/// Whether the dialogue may be written to standard error: a person's terminal, or a file of its own. Under pipe(8) it
/// is the same pipe as standard output, and a word there would hide the result from Postfix.
bool stderr_is_separate();

bool stderr_is_terminal();

/// Writes a line to standard error, where that is not the result's too (stderr_is_separate).
void write_note(std::string_view line);

/// Shows a line on the terminal of standard error in place of the last one; empty: takes it away.
void write_progress(std::string_view line);

/// Writes the one line of the result in one write(2), as pipe(8)'s non-blocking pipe wants it. Failure changes nothing:
/// the exit status counts. A reader that takes nothing is waited for five seconds: a message that a relay has must not
/// stay unreported because of it.
void write_result(std::string_view line);

/// Writes all of a longer text for a person or a program, however many writes it takes.
void write_text(std::string_view text);

/// One line that a person types, without its end; empty at the end of the input. Cut at 16 KiB.
std::string read_line();

/// The dialogue on standard error. It ends with the first line that nobody takes within a second.
class StderrTrace final : public Trace {
 public:
  void dialogue(const Peer& peer, Direction direction, std::string_view line) override;
  /// One line on the protection, as a note between those of the dialogue.
  void secured(const Peer& peer, const TlsReport& report) override;

 private:
  bool lost_ = false;
};

}  // namespace relaypipe
