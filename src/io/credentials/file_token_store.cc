#include "io/credentials/file_token_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/printable.h"
#include "io/base/error_text.h"
#include "io/base/unique_fd.h"

namespace relaypipe {
namespace {

constexpr std::size_t kLargestFile = std::size_t{128} << 10U;
constexpr mode_t kOwnOnly = S_IRUSR | S_IWUSR;
constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

class FileLock final : public TokenLock {
 public:
  explicit FileLock(int fd) : fd_(fd) {}

 private:
  UniqueFd fd_;
};

std::string problem(const std::string& file, std::string_view what, int error) {
  return fmt::format("{} {}: {}", printable(file), what, error_text(error));
}

/// Root may have been the one who wrote, by hand: what it leaves has to belong to whom the state directory belongs to,
/// or the next delivery could not read it.
void hand_over(int fd, const std::string& state_directory) {
  struct stat owner {};
  if (::geteuid() != 0 || ::stat(state_directory.c_str(), &owner) != 0) return;
  [[maybe_unused]] const int given = ::fchown(fd, owner.st_uid, owner.st_gid);
}

/// The whole of a file, in memory that is wiped afterwards.
std::optional<Secret> read_all(int fd) {
  std::string text(kLargestFile, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = ::read(fd, text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      Secret::wipe(text);
      return std::nullopt;
    }
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  text.resize(filled);
  return Secret(text);
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

Result<std::optional<TokenRecord>, std::string> FileTokenStore::read(const std::string& relay) {
  const std::string name = file(relay);
  const UniqueFd opened(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (opened.get() < 0 && errno == ENOENT) return std::optional<TokenRecord>();
  if (opened.get() < 0) return fail(problem(name, "cannot be opened", errno));
  struct stat status {};
  if (::fstat(opened.get(), &status) != 0) return fail(problem(name, "cannot be looked at", errno));
  if (!S_ISREG(status.st_mode)) return fail(printable(name) + " is not a regular file");
  const auto text = read_all(opened.get());
  if (!text) return fail(problem(name, "cannot be read", errno));
  // Somebody opened it to others: what it holds is still all there is, so it is used, and closed again.
  if ((status.st_mode & kOthers) != 0 && ::fchmod(opened.get(), kOwnOnly) != 0)
    return fail(printable(name) + " may be read by others: chmod 600 " + printable(name));
  auto record = parse_token_record(text->reveal());
  if (!record) return fail(printable(name) + " " + record.error());
  return std::optional<TokenRecord>(*std::move(record));
}

std::optional<std::string> FileTokenStore::write(const std::string& relay, const TokenRecord& record) {
  if (auto text = make_directory()) return text;
  const Secret text = write_token_record(record);
  std::string temporary = directory_ + "/." + relay + ".XXXXXX";
  const UniqueFd opened(::mkostemp(temporary.data(), O_CLOEXEC));
  if (opened.get() < 0) return problem(directory_, "cannot be written to", errno);
  hand_over(opened.get(), state_directory_);
  // The new name has to appear after the content is on the disk, also when the power goes.
  const bool written = write_all(opened.get(), text.reveal()) && ::fsync(opened.get()) == 0 &&
                       ::rename(temporary.c_str(), file(relay).c_str()) == 0;
  if (written) {
    const UniqueFd directory(::open(directory_.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY));
    if (directory.get() >= 0) static_cast<void>(::fsync(directory.get()));
    return std::nullopt;
  }
  const int error = errno;
  ::unlink(temporary.c_str());
  return problem(file(relay), "cannot be written", error);
}

TokenStore::Locking FileTokenStore::try_lock(const std::string& relay) {
  if (auto text = make_directory()) return {nullptr, *std::move(text)};
  const std::string name = directory_ + "/" + relay + ".lock";
  const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, kOwnOnly);
  if (fd < 0) return {nullptr, problem(name, "cannot be opened", errno)};
  auto lock = std::make_unique<FileLock>(fd);
  hand_over(fd, state_directory_);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return {std::move(lock), ""};
  if (errno == EWOULDBLOCK || errno == EINTR) return {nullptr, ""};
  return {nullptr, problem(name, "cannot be locked", errno)};
}

/// The state directory itself is the administrator's to make: its owner says whom deliveries run as.
std::optional<std::string> FileTokenStore::make_directory() const {
  if (::mkdir(directory_.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    const int error = errno;
    return problem(error == ENOENT ? state_directory_ : directory_, "cannot be used as state_directory", error);
  }
  const UniqueFd opened(::open(directory_.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  struct stat status {};
  if (opened.get() < 0 || ::fstat(opened.get(), &status) != 0) return problem(directory_, "cannot be looked at", errno);
  hand_over(opened.get(), state_directory_);
  const bool open = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  if (open && ::fchmod(opened.get(), S_IRWXU) != 0)
    return fmt::format("{0} may be written by others: chmod 700 {0}", printable(directory_));
  return std::nullopt;
}

}  // namespace relaypipe
