#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postfix/text.h"

namespace relaypipe {

/// A service of master.cf (master(5)). The columns are as written: `-` is Postfix's default.
struct MasterService {
  std::string name;
  std::string type;
  std::string is_private;
  std::string unprivileged;
  std::string chroot;
  std::string wakeup;
  std::string process_limit;
  std::vector<std::string> command;  ///< its words, in braces where they are written so

  /// As `postconf` names it: `relaypipe/unix`.
  [[nodiscard]] std::string key() const { return name + "/" + type; }
};

/// Reads what `postconf -M` prints: one service a line. Lines with fewer than eight columns are left out.
std::vector<MasterService> parse_master(std::string_view text);

/// The command of a service that runs pipe(8) or spawn(8), in its parts.
struct PipeCommand {
  std::string daemon = "pipe";
  std::vector<std::string> options;     ///< what stands before the attributes: `-o`, `{name=value}`, `-v`
  std::vector<PostfixPair> attributes;  ///< `flags=`, `user=`, `null_sender=` ..., in their order, without `argv=`
  std::vector<std::string> argv;

  /// The value of an attribute, which may be empty; nothing where it is not written.
  [[nodiscard]] std::optional<std::string> attribute(std::string_view name) const;
  void set_attribute(std::string_view name, std::string_view value);
  void drop_attribute(std::string_view name);
  /// Whether `-o name=value` is written.
  [[nodiscard]] bool has_option(std::string_view name) const;
  /// Sets `-o name=value` in the place of one that is there.
  void set_option(std::string_view name, std::string_view value);
  void drop_option(std::string_view name);
  /// As it stands in master.cf, on one line.
  [[nodiscard]] std::string text() const;
};

/// Nothing where the service does not run pipe(8), or has no argv.
std::optional<PipeCommand> parse_pipe_command(const MasterService& service);
/// The same for spawn(8).
std::optional<PipeCommand> parse_spawn_command(const MasterService& service);

/// Whether it is our program that the command runs: by the name of its file, with whatever follows the name.
bool runs_relaypipe(const PipeCommand& command);
/// Whether it is our program, as the LMTP server.
bool runs_lmtp(const PipeCommand& command);

/// The command of a service as it has to be; master.cf.example explains each of its words.
PipeCommand exemplary_command(const std::string& program);

/// What `pipe_delivery_status_filter` has to do: a program that does not start, dies or is killed by the time limit
/// defers instead of bouncing. In the form of a parameter, where `$$` is one `$`.
extern const std::string_view kSofteningFilter;

}  // namespace relaypipe
