#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "postfix/judge_service.h"

namespace relaypipe {

/// The user that pipe(8) would become for `user=WRITTEN`, a name or `name:group`: the group that is written, else the
/// primary group of the user. The error is a phrase.
Result<PipeUser, std::string> find_pipe_user(const std::string& written);

/// The owner of Postfix's queue and the group of postdrop(1), by their names.
Result<PostfixOwner, std::string> find_postfix_owner(const std::string& mail_owner, const std::string& setgid_group);

/// What `look` returns when it runs as that user, with no other group, as under pipe(8); in a process of its own, so
/// that this one keeps its rights. The error is a phrase: only root may become another user.
Result<std::string, std::string> seen_by(const PipeUser& user, const std::function<std::string()>& look);

}  // namespace relaypipe
