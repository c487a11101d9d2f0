#pragma once

#include <array>
#include <string>

#include "io/state/lock.h"
#include "io/state/sqlite.h"
#include "state/store.h"

namespace relaypipe {

/// The state store in two SQLite files of the state directory, opened when they are first needed.
///
/// Two, because their records have nothing in common but their form. `state.db` has what must last: health, quotas,
/// suspensions, the log of changes; some hundred kilobytes that are changed in place. `messages.db` has one short-lived
/// record for each message and recipient, a hundred thousand of them on a busy day. Neither room nor fate is shared: a
/// messages.db that is damaged, or that a full disk does not let grow, costs no quota and no suspension. What is of no
/// use any more is removed in small steps by those who write, so the file stays as large as ten minutes of mail.
///
/// Operations take turns (io/state/lock.h). A file that is damaged is quarantined as `*.damaged` and recreated, with
/// the records of the operation that found it. Where a process died in the middle of an operation SQLite rolls it back;
/// if several in a row did, the files are read from end to end, and where even that does not return they are
/// quarantined.
///
/// The bulk of a change is written after the rest: a death in between leaves the limits right and forgets what a death
/// a moment earlier would have forgotten as well.
class SqliteStateStore final : public StateStore {
 public:
  explicit SqliteStateStore(const std::string& directory);

  std::vector<std::string> read(std::span<const std::string> keys, WallTime now) override;
  bool update(std::span<const std::string> keys, WallTime now, StateWait wait,
              const std::function<void(std::vector<StateValue>&)>& change) override;
  std::vector<std::pair<std::string, std::string>> list(std::string_view prefix, WallTime now) override;
  [[nodiscard]] std::optional<std::string> trouble() const override { return trouble_; }

 private:
  enum Part : std::size_t { Lasting, Bulk, kParts };
  /// The keys of an operation, and what is known of their records.
  struct Records {
    std::span<const std::string> keys;
    WallTime now;
    std::vector<StateValue>& values;
    [[nodiscard]] bool any_of(Part part) const;
  };

  static Part part_of(std::string_view key);
  [[nodiscard]] Span longest_wait(StateWait wait) const;
  bool usable(const StateLock& lock);
  void look_after_crashes(const StateLock& lock);
  bool load(Part part, const Records& records, bool writing);
  bool save(Part part, const Records& records, const std::vector<StateValue>& before);
  int try_load(Part part, const Records& records, bool writing);
  int try_save(Part part, const Records& records, const std::vector<StateValue>& before);
  bool fix(Part part, int code);
  void quarantine(Part part, const std::string& why);
  void note(const std::string& what);

  StateLockFile lock_file_;
  std::array<SqliteFile, kParts> files_;
  std::array<bool, kParts> given_up_{};
  bool busy_ = false;  ///< a turn did not come in time
  std::optional<std::string> trouble_;
};

}  // namespace relaypipe
