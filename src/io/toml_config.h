#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/configuration.h"

namespace relaypipe {

inline constexpr const char* kDefaultConfigFile = "/etc/relaypipe/relaypipe.toml";

/// Reads `file` and the files its `include` names (a glob, relative to the file's folder, in the order of their names;
/// an included file may not include), and judges them. `overrides` are the assignments of the command line.
/// `required`: the file was asked for by name, and its absence is a problem; otherwise the defaults serve.
/// Refused is also a file that its group or others may write, because whoever writes it decides where mail and
/// passwords go.
Configuration load_configuration(const std::string& file, bool required, const ServicePort& service,
                                 std::span<const std::string> overrides, std::vector<ConfigProblem>& problems);

}  // namespace relaypipe
