#pragma once

#include <memory>
#include <string>

#include "deliver/state_store.h"

namespace relaypipe {

class LmdbEnvironment;
class LmdbLock;

/// The state store in an LMDB file, `state.mdb` in the state directory, opened when it is first needed.
///
/// Nothing is flushed to disk (MDB_NOSYNC): a delivery never waits for one. A process that is killed leaves the file as
/// it was, because LMDB writes to free pages first and its root last. A machine that loses power may lose or damage the
/// file: it is then begun anew. The file is not mapped for writing, so a full disk is an error and no signal.
///
/// LMDB's own locks are not used (MDB_NOLOCK): waiting for them has no bound, and a process that was stopped while it
/// held one would stop all mail. Here every operation, all of them some microseconds, takes one flock() on
/// `state.lock`, which the kernel frees when its holder dies, and waits for it for kLongestWait at most.
///
/// A damaged file must not take the delivery with it: signals that come from inside LMDB (SIGBUS behind the end of a
/// truncated file, SIGSEGV from a wild page number) and its assertions end the operation, and the file is put aside as
/// `state.mdb.damaged`. Damage that would make LMDB write where it should not, or never come to an end, is looked for
/// before every change (io/lmdb_pages.h). What somebody writes into the file between that look and the end of the
/// change, some microseconds later, can get through. The lock file counts operations that never came to their end, and
/// after kMostCrashes in a row the file is put aside too. Such a crash defers its message (pipe(8): death by signal),
/// it loses nothing.
class LmdbStateStore final : public StateStore {
 public:
  explicit LmdbStateStore(std::string directory);
  ~LmdbStateStore() override;
  LmdbStateStore(const LmdbStateStore&) = delete;
  LmdbStateStore& operator=(const LmdbStateStore&) = delete;

  static constexpr Span kLongestWait = std::chrono::milliseconds(250);
  static constexpr int kMostCrashes = 3;
  static constexpr std::size_t kMapOctets = 32U << 20U;  ///< the file's largest size

  std::vector<std::string> read(std::span<const std::string> keys, WallTime now) override;
  bool update(std::span<const std::string> keys, WallTime now,
              const std::function<void(std::vector<StateValue>&)>& change) override;
  std::vector<std::pair<std::string, std::string>> list(std::string_view prefix, WallTime now) override;
  [[nodiscard]] std::optional<std::string> trouble() const override { return trouble_; }

 private:
  bool prepare(LmdbLock& lock);
  bool load(LmdbLock& lock, std::span<const std::string> keys, WallTime now, bool writing,
            std::vector<StateValue>& values);
  int save(std::span<const std::string> keys, const std::vector<StateValue>& values);
  int make_room(LmdbLock& lock, WallTime now, std::span<const std::string> keys, const std::vector<StateValue>& values);
  int sweep(WallTime now, std::size_t most);
  void fail(int code);
  void note(const std::string& what);
  void put_aside(const std::string& why);

  std::string directory_;
  std::string file_;
  std::string lock_file_;
  std::optional<std::string> trouble_;
  std::unique_ptr<LmdbEnvironment> environment_;
  bool given_up_ = false;
};

}  // namespace relaypipe
