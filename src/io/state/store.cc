// What deliveries remember is advice: a file that is unreadable, damaged, locked or gone costs knowledge, never mail.
//
// What always holds:
// - Operations take turns (lock.h). Who gets no turn, because for 250 ms (5 s where a limit has to be exact) nobody
//   else has got one either, goes on without.
// - A change is read, decided and written within one transaction: two processes never decide on the same record.
// - Nothing waits for a disk: after a crash of the machine the files may be old or damaged, which counts as absent.
// - What lasts and what is bulk are different files, and only the first decides about limits.
//
// What was tried and left:
// - LMDB: a mapped file makes damage a signal, which needs handlers, jumps out of them, and a check of the library's
//   own page format before every use. SQLite returns an error code, for about half a million instructions.
// - WAL and synchronous writes: they keep what may be lost, at the price of a wait for the disk per message.
// - SQLite without its own locks (unix-none), which our turns do not need, for 16 system calls less per message:
// whoever
//   looks into a file with sqlite3(1) would take the journal of a change in progress for one left by the dead, and roll
//   it back.
// - One file: a day of message records filled it, and a used-up quota was forgotten with them.
// - Process ids and /proc to know the living: hidden in containers and by hidepid. A lock dies with its process.

#include "io/state/store.h"

#include <fmt/format.h>

#include <algorithm>

#include "state/message_record.h"

namespace relaypipe {
namespace {

constexpr int kSweep = 64;                ///< records looked at together, to find those nobody needs any more
constexpr std::int64_t kSweepEvery = 16;  ///< changes from one such look to the next, on average

}  // namespace

SqliteStateStore::SqliteStateStore(const std::string& directory)
    : lock_file_(directory), files_{SqliteFile(directory, "state.db"), SqliteFile(directory, "messages.db")} {}

SqliteStateStore::Part SqliteStateStore::part_of(std::string_view key) {
  return key.starts_with(kMessageKeys) ? Bulk : Lasting;
}

bool SqliteStateStore::Records::any_of(Part part) const {
  return std::any_of(keys.begin(), keys.end(), [&](const std::string& key) { return part_of(key) == part; });
}

/// Whoever has waited in vain does not wait again, unless a limit depends on it.
Span SqliteStateStore::longest_wait(StateWait wait) const {
  if (wait == StateWait::Exact) return StateLock::kExact;
  return busy_ ? Span(0) : StateLock::kBrief;
}

void SqliteStateStore::note(const std::string& what) {
  if (!trouble_) trouble_ = what;
}

bool SqliteStateStore::usable(const StateLock& lock) {
  busy_ = busy_ || lock.busy();
  if (lock.error().empty()) {
    look_after_crashes(lock);
    return true;
  }
  note(lock.error());
  if (!lock.busy()) given_up_ = {true, true};
  return false;
}

/// A kill is no damage, so the files are looked at before they are quarantined. Whoever comes after that look did not
/// come to its end either does not look again.
void SqliteStateStore::look_after_crashes(const StateLock& lock) {
  if (lock.crashes() < StateLock::kMostCrashes) return;
  const std::string why = fmt::format("{} processes in a row died while they used it", lock.crashes());
  for (const Part part : {Lasting, Bulk}) {
    const bool look = lock.crashes() == StateLock::kMostCrashes;
    if (!look || SqliteFile::means_damage(files_[part].check())) quarantine(part, why);
  }
}

void SqliteStateStore::quarantine(Part part, const std::string& why) {
  const std::string path = files_[part].path();
  note(fmt::format("{}: {}; it was quarantined as {}.damaged and recreated", path, why, path));
  if (!files_[part].quarantine()) given_up_[part] = true;
}

/// Whether it is worth while to try once more.
bool SqliteStateStore::fix(Part part, int code) {
  const std::string text = files_[part].text_of(code);
  files_[part].roll_back();
  if (!SqliteFile::means_damage(code)) {
    note(text);
    given_up_[part] = true;
    return false;
  }
  quarantine(part, text.substr(files_[part].path().size() + 2));
  return !given_up_[part];
}

int SqliteStateStore::try_load(Part part, const Records& records, bool writing) {
  int code = files_[part].open();
  if (code == 0) code = files_[part].begin(writing);
  for (std::size_t i = 0; code == 0 && i < records.keys.size(); ++i) {
    if (part_of(records.keys[i]) == part) code = files_[part].get(records.keys[i], records.now, records.values[i]);
  }
  return code == 0 && !writing ? files_[part].commit() : code;
}

/// Reads the records of one file; to write, with a transaction left open. False: they are absent.
bool SqliteStateStore::load(Part part, const Records& records, bool writing) {
  if (!records.any_of(part)) return true;
  for (int tries = 0; tries < 2 && !given_up_[part]; ++tries) {
    const int code = try_load(part, records, writing);
    if (code == 0) return true;
    for (std::size_t i = 0; i < records.keys.size(); ++i) {
      if (part_of(records.keys[i]) == part) records.values[i] = {};
    }
    if (!fix(part, code)) break;
  }
  return false;
}

/// Writes what differs from what the file has, which is `before`.
int SqliteStateStore::try_save(Part part, const Records& records, const std::vector<StateValue>& before) {
  int code = 0;
  for (std::size_t i = 0; code == 0 && i < records.keys.size(); ++i) {
    if (part_of(records.keys[i]) != part || records.values[i] == before[i]) continue;
    code = files_[part].put(records.keys[i], records.values[i]);
  }
  const bool sweeps = records.now.time_since_epoch().count() % kSweepEvery == 0;
  if (code == 0 && sweeps) code = files_[part].sweep(records.now, kSweep);
  return code == 0 ? files_[part].commit() : code;
}

/// Writes the records of one file and ends its transaction; where it is damaged, into a new file.
bool SqliteStateStore::save(Part part, const Records& records, const std::vector<StateValue>& before) {
  if (!records.any_of(part)) return true;
  int code = try_save(part, records, before);
  if (code != 0 && fix(part, code)) {
    code = files_[part].open();
    if (code == 0) code = files_[part].begin(true);
    if (code == 0) code = try_save(part, records, std::vector<StateValue>(records.values.size()));
    if (code != 0) fix(part, code);
  }
  return code == 0;
}

std::vector<std::string> SqliteStateStore::read(std::span<const std::string> keys, WallTime now) {
  std::vector<StateValue> values(keys.size());
  if (!given_up_[Lasting] || !given_up_[Bulk]) {
    const StateLock lock(lock_file_, StateLock::Use::Read, longest_wait(StateWait::Brief));
    if (usable(lock)) {
      for (const Part part : {Lasting, Bulk})
        load(part, {keys, now, values}, false);
    }
  }
  std::vector<std::string> octets;
  octets.reserve(values.size());
  for (StateValue& value : values)
    octets.push_back(std::move(value.octets));
  return octets;
}

bool SqliteStateStore::update(std::span<const std::string> keys, WallTime now, StateWait wait,
                              const std::function<void(std::vector<StateValue>&)>& change) {
  std::vector<StateValue> values(keys.size());
  const Records records{keys, now, values};
  if (given_up_[Lasting] && given_up_[Bulk]) {
    change(values);
    return false;
  }
  const StateLock lock(lock_file_, StateLock::Use::Write, longest_wait(wait));
  std::array<bool, kParts> loaded{};
  if (usable(lock)) {
    for (const Part part : {Lasting, Bulk})
      loaded[part] = load(part, records, true);
  }
  const std::vector<StateValue> before = values;
  change(values);
  bool kept = true;
  for (const Part part : {Lasting, Bulk})
    kept = loaded[part] && save(part, records, before) && kept;
  return kept;
}

std::vector<std::pair<std::string, std::string>> SqliteStateStore::list(std::string_view prefix, WallTime now) {
  std::vector<std::pair<std::string, std::string>> found;
  const Part part = part_of(prefix);
  if (given_up_[part]) return found;
  const StateLock lock(lock_file_, StateLock::Use::Read, longest_wait(StateWait::Brief));
  if (!usable(lock)) return found;
  for (int tries = 0; tries < 2; ++tries) {
    found.clear();
    int code = files_[part].open();
    if (code == 0) {
      code = files_[part].walk(
          prefix, now, [&](std::string_view key, std::string octets) { found.emplace_back(key, std::move(octets)); });
    }
    if (code == 0 || !fix(part, code)) break;
  }
  return found;
}

}  // namespace relaypipe
