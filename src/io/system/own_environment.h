#pragma once

namespace relaypipe {

/// Removes from the environment what would change, behind the administrator's back, where mail and secrets go: the
/// variables by which OpenSSL, libcurl, the resolver and the C library take a log of TLS keys, other settings, modules,
/// authorities, proxies or names of hosts. The list is in own_environment.cc and in relaypipe(8). To be called first in
/// the process, before a library reads them.
void clean_environment();

}  // namespace relaypipe
