#include "io/system/user_view.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/printable.h"
#include "io/base/child_process.h"
#include "io/base/error_text.h"
#include "io/system/user_rights.h"

namespace relaypipe {
namespace {

Result<gid_t, std::string> find_group(const std::string& name) {
  const group* const entry = ::getgrnam(name.c_str());
  if (entry == nullptr) return fail("there is no group " + printable(name));
  return entry->gr_gid;
}

std::string group_name(gid_t gid) {
  const group* const entry = ::getgrgid(gid);
  return entry == nullptr ? std::to_string(gid) : std::string(entry->gr_name);
}

/// Never returns into the code of the parent.
[[noreturn]] void look_as(const PipeUser& user, const std::function<std::string()>& look, int output) noexcept {
  if (::geteuid() == 0 && !become(user.uid, user.gid)) ::_exit(1);
  const std::string seen = look();
  std::size_t written = 0;
  while (written < seen.size()) {
    const ssize_t count = ::write(output, seen.data() + written, seen.size() - written);
    if (count < 0 && errno != EINTR) ::_exit(1);
    if (count > 0) written += static_cast<std::size_t>(count);
  }
  ::_exit(0);
}

std::string read_to_end(int fd) {
  std::string text;
  std::array<char, 4096> part;
  for (;;) {
    const ssize_t got = ::read(fd, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(part.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

Result<PipeUser, std::string> find_pipe_user(const std::string& written) {
  const std::size_t colon = written.find(':');
  const std::string name = written.substr(0, colon);
  const passwd* const entry = ::getpwnam(name.c_str());
  if (entry == nullptr) return fail("there is no user " + printable(name));
  PipeUser user{name, "", entry->pw_uid, entry->pw_gid};
  if (colon != written.npos) {
    const auto gid = find_group(written.substr(colon + 1));
    if (!gid) return fail(gid.error());
    user.gid = *gid;
  }
  user.group = group_name(user.gid);
  return user;
}

Result<PostfixOwner, std::string> find_postfix_owner(const std::string& mail_owner, const std::string& setgid_group) {
  const auto user = find_pipe_user(mail_owner);
  if (!user) return fail(user.error());
  const auto group = find_group(setgid_group);
  if (!group) return fail(group.error());
  return PostfixOwner{mail_owner, user->uid, user->gid, *group};
}

Result<std::string, std::string> seen_by(const PipeUser& user, const std::function<std::string()>& look) {
  if (::geteuid() != 0 && ::geteuid() != user.uid) {
    return fail("run this as root to see what " + printable(user.name) + " may read and write");
  }
  auto pipe = make_pipe();
  if (!pipe) return fail(error_text(errno));
  const pid_t pid = ::fork();
  if (pid == 0) look_as(user, look, pipe->writer.get());
  if (pid < 0) return fail(error_text(errno));
  pipe->writer.reset();
  std::string seen = read_to_end(pipe->reader.get());
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return fail("cannot become " + printable(user.name));
  return seen;
}

}  // namespace relaypipe
