#pragma once

namespace relaypipe {

/// Whether every page of an LMDB 0.9 file that is in use is formed as LMDB forms it: the roots, the trees below them,
/// the values that have pages of their own, the lists of free pages. LMDB believes what it reads: a wrong length on a
/// page it changes, or in a list of free pages, makes it write behind its memory, which no signal tells. Whoever has
/// the file locked asks before a change; the file may not be empty.
///
/// What stands in the nodes is not looked at: keys in a wrong order are not found, values have a checksum of their own.
bool lmdb_pages_are_sound(int fd);

}  // namespace relaypipe
