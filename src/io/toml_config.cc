// Without exceptions toml++ asks after every octet whether there was an error: a quarter more work. None leaves this
// file.
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
#include "io/toml_config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <toml++/toml.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <tuple>
#include <utility>

#include "base/printable.h"

namespace relaypipe {
namespace {

/// Thousands of relays, and still nothing that could fill the memory of a process that is started per message.
constexpr std::size_t kLargestFile = std::size_t{4} << 20U;
/// The deepest thing a configuration has is an array of arrays in a table of a table; the rest is room for mistakes.
constexpr int kDeepest = 16;

constexpr mode_t kOthersMayWrite = S_IWGRP | S_IWOTH;

using Problems = std::vector<ConfigProblem>;

void report(Problems& problems, Position at, std::string text) {
  problems.push_back({ConfigProblem::Severity::Error, std::move(at), std::move(text)});
}

/// Turns the nodes of toml++ into plain values, moving the strings.
class Converter {
 public:
  Converter(const std::string& file, Problems& problems) : file_(file), problems_(problems) {}

  DocumentTable table(toml::table& from, int depth) {
    DocumentTable entries;
    entries.reserve(from.size());
    for (auto&& [key, node] : from) {
      std::optional<DocumentValue> known = value(node, depth);
      if (known) entries.push_back({std::string(key.str()), place(key.source()), *std::move(known)});
    }
    // toml++ sorts by name.
    std::sort(entries.begin(), entries.end(), [](const DocumentEntry& a, const DocumentEntry& b) {
      return std::tie(a.at.line, a.at.column) < std::tie(b.at.line, b.at.column);
    });
    return entries;
  }

 private:
  static Place place(const toml::source_region& region) { return {region.begin.line, region.begin.column}; }

  /// Nothing for what no configuration has; that was reported then.
  std::optional<DocumentValue> value(toml::node& from, int depth) {
    DocumentValue to{{}, place(from.source())};
    if (auto* const text = from.as_string()) {
      to.value = std::move(text->get());
    } else if (const auto* const number = from.as_integer()) {
      to.value = number->get();
    } else if (const auto* const fraction = from.as_floating_point()) {
      to.value = fraction->get();
    } else if (const auto* const truth = from.as_boolean()) {
      to.value = truth->get();
    } else if (depth == kDeepest) {
      return wrong(to.at, "arrays and tables are nested too deeply; nothing here needs it");
    } else if (auto* const inner = from.as_table()) {
      to.value = table(*inner, depth + 1);
    } else if (auto* const list = from.as_array()) {
      to.value = array(*list, depth + 1);
    } else {
      return wrong(to.at, "nothing here is a date or a time; write a string in quotes");
    }
    return to;
  }

  DocumentArray array(toml::array& from, int depth) {
    DocumentArray values;
    values.reserve(from.size());
    for (toml::node& node : from) {
      std::optional<DocumentValue> known = value(node, depth);
      if (known) values.push_back(*std::move(known));
    }
    return values;
  }

  std::nullopt_t wrong(Place at, std::string text) {
    report(problems_, {file_, at.line, at.column}, std::move(text));
    return std::nullopt;
  }

  const std::string& file_;
  Problems& problems_;
};

/// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

std::string reason(int error) { return std::strerror(error); }

/// What is wrong with the opened file before its first octet is read. Asked of the descriptor: the name could mean
/// another file by now.
std::optional<std::string> file_problem(const struct stat& status, const std::string& file) {
  if (S_ISDIR(status.st_mode)) return "this is a directory; write the name of a file";
  if (!S_ISREG(status.st_mode)) return "this is no regular file";
  if ((status.st_mode & kOthersMayWrite) != 0) {
    return fmt::format("may be written by others: chmod go-w {}", printable(file));
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
  explicit Loader(Problems& problems) : problems_(problems) {}

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
    const Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    struct stat status {};
    if (opened.get() < 0) {
      if (!required && errno == ENOENT) return std::nullopt;
      return refuse(file, fmt::format("cannot be opened: {}", reason(errno)));
    }
    if (::fstat(opened.get(), &status) != 0) return refuse(file, fmt::format("cannot be looked at: {}", reason(errno)));
    if (auto problem = file_problem(status, file)) return refuse(file, *std::move(problem));
    const auto text = read_all(opened.get(), static_cast<std::size_t>(status.st_size));
    if (!text) return refuse(file, fmt::format("cannot be read: {}", reason(errno)));
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
    if (pattern.empty() || pattern.find('\0') != pattern.npos) return wrong("this is no pattern of files");
    const std::string full = pattern.front() == '/' ? pattern : escaped(folder_of(document.file)) + pattern;
    // A name without wildcards means that file, and its absence is a mistake; the sanity of the others is their folder.
    const int flags = pattern.find_first_of("*?[") == pattern.npos ? GLOB_NOCHECK : 0;
    glob_t found{};
    const int result = ::glob(
        full.c_str(), flags, [](const char*, int error) { return error == ENOENT ? 0 : 1; }, &found);
    files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
    if (result != 0 && result != GLOB_NOMATCH) wrong("the folder cannot be read");
  }

  static std::string folder_of(const std::string& file) { return file.substr(0, file.rfind('/') + 1); }

  /// A folder as a pattern that means only itself.
  static std::string escaped(const std::string& folder) {
    std::string pattern;
    for (const char c : folder) {
      if (std::strchr("*?[\\", c) != nullptr) pattern += '\\';
      pattern += c;
    }
    return pattern;
  }

  Problems& problems_;
  bool incomplete_ = false;
};

}  // namespace

std::optional<Document> parse_document(std::string_view text, const std::string& file,
                                       std::vector<ConfigProblem>& problems) {
  try {
    toml::table table = toml::parse(text);
    return Document{file, Converter(file, problems).table(table, 0)};
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    report(problems, {file, at.line, at.column}, std::string(clip(printable(error.description()), 300)));
    return std::nullopt;
  }
}

Configuration load_configuration(const std::string& file, bool required, const ServicePort& service,
                                 std::span<const std::string> overrides, std::vector<ConfigProblem>& problems) {
  Loader loader(problems);
  const std::vector<Document> documents = loader.load(file, required);
  std::vector<ConfigProblem> judged;
  Configuration configuration = read_configuration(documents, Settings(), service, overrides, judged);
  // Where a file is missing, its relays would be reported as unknown wherever they are used.
  if (!loader.incomplete()) problems.insert(problems.end(), judged.begin(), judged.end());
  sort_problems(problems);
  return configuration;
}

}  // namespace relaypipe
