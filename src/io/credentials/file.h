#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace relaypipe {

/// A password, a token, a key of a client: far below it.
inline constexpr std::size_t kLongestSecret = 16384;
/// A password map: tens of thousands of accounts.
inline constexpr std::size_t kLongestPasswordMap = 4U << 20U;

/// On whose behalf the rights of a file are judged.
struct FileReader {
  uid_t user = 0;
  std::vector<gid_t> groups;  ///< its primary and supplementary groups
  /// Root, for whom every owner and group will do: it looks at files that another user will read.
  bool administrator = false;

  /// The running user.
  static FileReader self();
};

/// What is wrong with the rights of a file that holds a secret, and what puts it right; nothing where they will do. It
/// has to be a regular file of root or of the reader, that nobody else may read or write: others not at all, a group
/// only where it is one of the reader's own, and then only read. A file that systemd hands over (`credential`) belongs
/// to root and shows the rights of its access list in the place of the group's; the directory keeps others out.
/// `sealed`: only root can replace the file (only_root_replaces). Then others may read what root has made read-only for
/// all, as Docker does with a secret (0444): a mode that no careless umask gives.
std::optional<std::string> secret_rights_problem(const struct stat& status, const FileReader& reader, bool credential,
                                                 bool sealed = false);

/// Whether all directories on the way to a file, as it is written and as it is after symbolic links, belong to root and
/// can be written by nobody else.
bool only_root_replaces(const std::string& path);

/// What a file with a secret that was accepted deserves a warning for; the text begins with the path.
std::optional<std::string> secret_warning(const std::string& path);

/// The path with `${CREDENTIALS_DIRECTORY}` replaced (systemd.exec(5)), or why that cannot be done.
Result<std::string, std::string> expand_secret_path(const std::string& path);

/// Reads a whole file of at most `most` octets with secrets in it, after its rights were judged. The error is a phrase
/// that begins with the path.
Result<Secret, std::string> read_private_file(const std::string& path, const FileReader& reader, std::size_t most);

/// The one line in a file: a password or a token. Line ends behind it are no part of it; several lines or none are an
/// error.
Result<Secret, std::string> read_secret_file(const std::string& path, const FileReader& reader);

/// From now on neither a core file nor another process of this user may show the memory of this one.
void hide_memory();

}  // namespace relaypipe
