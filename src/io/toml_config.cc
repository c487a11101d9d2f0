#include "io/toml_config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/printable.h"
#include "io/base/error_text.h"
#include "io/base/unique_fd.h"
#include "io/toml_document.h"

namespace relaypipe {
namespace {

/// Thousands of relays, and still nothing that could fill the memory of a process that is started per message.
constexpr std::size_t kLargestFile = std::size_t{4} << 20U;
constexpr mode_t kOthersMayWrite = S_IWGRP | S_IWOTH;

using Problems = std::vector<ConfigProblem>;

void report(Problems& problems, Position at, std::string text) {
  problems.push_back({ConfigProblem::Severity::Error, std::move(at), std::move(text)});
}

bool trusted(uid_t owner) { return owner == 0 || owner == ::geteuid(); }

/// The directory a file lies in, as it is written.
std::string directory_of(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  return slash == file.npos ? "." : slash == 0 ? "/" : file.substr(0, slash);
}

/// Why others could put another file in the place of this one. In a directory with the sticky bit they could not.
std::optional<std::string> directory_problem(const std::string& file) {
  const std::string directory = directory_of(file);
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) return std::nullopt;
  if (!trusted(status.st_uid)) {
    return fmt::format("lies in a directory of user {}: chown root {}", status.st_uid, printable(directory));
  }
  if ((status.st_mode & S_IWOTH) == 0 || (status.st_mode & S_ISVTX) != 0) return std::nullopt;
  return fmt::format("lies in a directory that others may write: chmod o-w {}", printable(directory));
}

bool group_writes_directory(const std::string& file) {
  struct stat status {};
  return ::stat(directory_of(file).c_str(), &status) == 0 && (status.st_mode & S_IWGRP) != 0 &&
         (status.st_mode & (S_ISVTX | S_IWOTH)) == 0;
}

/// What is wrong with the opened file before its first octet is read. Asked of the descriptor: the name could mean
/// another file by now.
std::optional<std::string> file_problem(const struct stat& status, const std::string& file, ConfigOwners owners) {
  if (S_ISDIR(status.st_mode)) return "this is a directory; write the name of a file";
  if (!S_ISREG(status.st_mode)) return "this is not a regular file";
  if ((status.st_mode & kOthersMayWrite) != 0) {
    return fmt::format("may be written by others: chmod go-w {}", printable(file));
  }
  if (owners == ConfigOwners::Trusted) {
    if (!trusted(status.st_uid))
      return fmt::format("belongs to user {}: chown root {}", status.st_uid, printable(file));
    if (auto problem = directory_problem(file)) return problem;
  }
  if (static_cast<std::uintmax_t>(status.st_size) > kLargestFile) return "the file is larger than 4 MiB";
  return std::nullopt;
}

std::optional<std::string> read_all(int fd, std::size_t size) {
  // One octet more, so that the end shows itself without growing. A file that grows meanwhile is cut at the limit.
  std::string text(size + 1, '\0');
  std::size_t filled = 0;
  for (;;) {
    const ssize_t got = ::read(fd, text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    if (filled > kLargestFile) break;
    if (filled == text.size()) text.resize(2 * text.size());
  }
  text.resize(filled);
  return text;
}

/// Reads files and the files they include.
class Loader {
 public:
  Loader(Problems& problems, ConfigOwners owners) : problems_(problems), owners_(owners) {}

  /// Whether a file is missing in what was loaded; that was reported.
  [[nodiscard]] bool incomplete() const { return incomplete_; }

  std::vector<Document> load(const std::string& file, bool required) {
    std::optional<Document> main = read_file(file, required);
    if (!main) return {};
    const std::vector<std::string> names = included_files(*main);
    std::vector<Document> documents;
    documents.reserve(names.size() + 1);
    documents.push_back(*std::move(main));
    for (const std::string& name : names) {
      std::optional<Document> document = read_file(name, true);
      if (document) documents.push_back(*std::move(document));
    }
    return documents;
  }

 private:
  std::optional<Document> read_file(const std::string& file, bool required) {
    // Not to wait for a writer, should the name be a fifo.
    const UniqueFd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    struct stat status {};
    if (opened.get() < 0) {
      if (!required && errno == ENOENT) return std::nullopt;
      return refuse(file, fmt::format("cannot be opened: {}", error_text(errno)));
    }
    if (::fstat(opened.get(), &status) != 0)
      return refuse(file, fmt::format("cannot be looked at: {}", error_text(errno)));
    if (auto problem = file_problem(status, file, owners_)) return refuse(file, *std::move(problem));
    if (group_writes_directory(file)) {
      problems_.push_back(
          {ConfigProblem::Severity::Warning,
           {file},
           fmt::format(
               "lies in a directory that its group may write, which can put another file in its place: chmod g-w {}",
               printable(directory_of(file)))});
    }
    const auto text = read_all(opened.get(), static_cast<std::size_t>(status.st_size));
    if (!text) return refuse(file, fmt::format("cannot be read: {}", error_text(errno)));
    std::optional<Document> document = parse_document(*text, file, problems_);
    incomplete_ = incomplete_ || !document;
    return document;
  }

  std::nullopt_t refuse(const std::string& file, std::string text) {
    report(problems_, {file}, std::move(text));
    incomplete_ = true;
    return std::nullopt;
  }

  /// The files that match; a value of another type is read_configuration()'s to report.
  std::vector<std::string> included_files(const Document& document) {
    std::vector<std::string> files;
    for (const DocumentEntry& entry : document.entries) {
      const auto* const pattern = std::get_if<std::string>(&entry.value.value);
      if (entry.key == "include" && pattern != nullptr) expand(document, entry.value.at, *pattern, files);
    }
    return files;
  }

  void expand(const Document& document, Place at, const std::string& pattern, std::vector<std::string>& files) {
    const auto wrong = [&](std::string_view text) {
      report(problems_, document.position(at), fmt::format("include: {}", text));
      incomplete_ = true;
    };
    if (pattern.empty() || pattern.find('\0') != pattern.npos) return wrong("this is not a valid pattern of files");
    const std::string directory = pattern.front() == '/' ? std::string() : directory_prefix(document.file);
    // Without wildcards that one file is meant, and its absence is a mistake.
    if (pattern.find_first_of("*?[") == pattern.npos) return files.push_back(directory + pattern);
    glob_t found{};
    // What may not be read would be left out in silence, and its relays with it; a directory that is not there is
    // empty.
    const auto failed = [](const char*, int error) { return error == ENOENT ? 0 : 1; };
    const int result = ::glob((escaped(directory) + pattern).c_str(), 0, failed, &found);
    files.insert(files.end(), found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
    if (result != 0 && result != GLOB_NOMATCH) wrong("a directory cannot be read");
  }

  static std::string directory_prefix(const std::string& file) { return file.substr(0, file.rfind('/') + 1); }

  /// A directory as a pattern that means only itself.
  static std::string escaped(const std::string& directory) {
    std::string pattern;
    for (const char c : directory) {
      if (std::strchr("*?[\\", c) != nullptr) pattern += '\\';
      pattern += c;
    }
    return pattern;
  }

  Problems& problems_;
  ConfigOwners owners_;
  bool incomplete_ = false;
};

}  // namespace

Configuration load_configuration(const std::string& file, bool required, const ServicePort& service,
                                 std::span<const std::string> overrides, std::vector<ConfigProblem>& problems,
                                 ConfigOwners owners, std::vector<Document>* kept) {
  Loader loader(problems, owners);
  std::vector<Document> documents = loader.load(file, required);
  std::vector<ConfigProblem> classified;
  Configuration configuration = read_configuration(documents, service, overrides, classified);
  if (documents.empty() && !loader.incomplete()) configuration.missing_file = file;
  // Where a file is missing, its relays would be reported as unknown wherever they are used.
  if (!loader.incomplete()) problems.insert(problems.end(), classified.begin(), classified.end());
  sort_problems(problems);
  if (kept != nullptr) *kept = std::move(documents);
  return configuration;
}

}  // namespace relaypipe
