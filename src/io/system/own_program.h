#pragma once

#include <string>

namespace relaypipe {

/// The path of the program that runs here; `/usr/bin/relaypipe` where the system does not tell.
std::string own_program();

}  // namespace relaypipe
