#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/configuration.h"

namespace relaypipe {

inline constexpr const char* kDefaultConfigFile = "/etc/relaypipe/relaypipe.toml";

/// Whose files are obeyed: those that nobody but root and the running user can change, or those of every owner, for
/// root, who looks at what another user will use.
enum class ConfigOwners { Trusted, Any };

/// Reads `file` and the files its `include` names (a glob, relative to the file's directory, in the order of their names;
/// an included file may not include), and judges them. `overrides` are the assignments of the command line.
/// `required`: the file was asked for by name, and its absence is a problem; otherwise the defaults serve.
/// Refused is also a file that its group or others may write, that belongs to another user than root and the running
/// one, or that lies in a directory of another user's or one that others may write, because whoever can write it or put
/// another in its place decides where mail and passwords go. A directory that its group may write is a warning.
/// `documents`: gets what was read, for those who have to name the line of a key later.
Configuration load_configuration(const std::string& file, bool required, const ServicePort& service,
                                 std::span<const std::string> overrides, std::vector<ConfigProblem>& problems,
                                 ConfigOwners owners = ConfigOwners::Trusted,
                                 std::vector<Document>* documents = nullptr);

}  // namespace relaypipe
