#include "io/lmdb_state_store.h"

#include <fmt/format.h>
#include <lmdb.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/hash.h"
#include "io/lmdb_environment.h"
#include "io/lmdb_guard.h"
#include "io/lmdb_lock.h"

namespace relaypipe {
namespace {

constexpr std::size_t kSweep = 64;               ///< records looked at together, to find those nobody needs any more
constexpr std::int64_t kSweepEvery = 16;         ///< changes from one such look to the next, on average
constexpr std::string_view kSweepKey = "sweep";  ///< holds where the last look ended
constexpr std::size_t kHeader = 16;              ///< of a record: until when it is of use, and a checksum

std::string system_text(int error) { return std::generic_category().message(error); }

std::string lmdb_text(int code) {
  if (code == LmdbGuard::kFault) return "it is damaged";
  return code > 0 ? system_text(code) : std::string(mdb_strerror(code));
}

/// What says that the file is not what it should be, rather than that the disk is full or we may not.
bool means_damage(int code) {
  return code == LmdbGuard::kFault || code == MDB_CORRUPTED || code == MDB_INVALID || code == MDB_PAGE_NOTFOUND ||
         code == MDB_CURSOR_FULL || code == MDB_INCOMPATIBLE;
}

/// A record as it stands in the file.
std::string sealed(const StateValue& value) {
  std::string octets(kHeader, '\0');
  const std::int64_t until = value.useful_until.time_since_epoch().count();
  const std::uint64_t sum = hash_octets(value.octets, static_cast<std::uint64_t>(until));
  std::memcpy(octets.data(), &until, sizeof until);
  std::memcpy(octets.data() + sizeof until, &sum, sizeof sum);
  return octets + value.octets;
}

/// What was put there, or nothing where it is damaged or of no use any more.
StateValue unsealed(std::string_view octets, WallTime now) {
  if (octets.size() <= kHeader) return {};
  const auto until = lmdb_number_at<std::int64_t>(octets.data());
  const std::string_view rest = octets.substr(kHeader);
  if (lmdb_number_at<std::uint64_t>(octets.data() + 8) != hash_octets(rest, static_cast<std::uint64_t>(until)))
    return {};
  const WallTime useful_until{Span(until)};
  if (useful_until <= now) return {};
  return {std::string(rest), useful_until};
}

}  // namespace

LmdbStateStore::LmdbStateStore(std::string directory)
    : directory_(std::move(directory)), file_(directory_ + "/state.mdb"), lock_file_(directory_ + "/state.lock") {}

LmdbStateStore::~LmdbStateStore() = default;

void LmdbStateStore::note(const std::string& what) {
  if (!trouble_) trouble_ = what;
}

void LmdbStateStore::put_aside(const std::string& why) {
  const std::string aside = file_ + ".damaged";
  note(fmt::format("{}: {}; it was put aside as {} and is begun anew", file_, why, aside));
  environment_.reset();
  if (rename(file_.c_str(), aside.c_str()) != 0) given_up_ = true;
}

/// Opens what is not open yet. False: there is no memory.
bool LmdbStateStore::prepare(LmdbLock& lock) {
  if (lock.error() != 0) {
    given_up_ = true;
    note(lock.error() == EWOULDBLOCK ? fmt::format("{}/state.lock: another process holds it for more than {} ms",
                                                   directory_, kLongestWait.count())
                                     : fmt::format("{}/state.lock: {}", directory_, system_text(lock.error())));
    return false;
  }
  if (lock.crashes() >= kMostCrashes) put_aside(fmt::format("{} processes died while they used it", lock.crashes()));
  if (environment_ && !environment_->is(file_)) environment_.reset();
  if (environment_) environment_->serve(lock);
  for (int tries = 0; !environment_ && !given_up_ && tries < 2; ++tries) {
    environment_ = std::make_unique<LmdbEnvironment>();
    environment_->serve(lock);
    const int code = environment_->open(file_);
    if (code == 0) return true;
    environment_.reset();
    if (means_damage(code)) {
      put_aside(lmdb_text(code));
    } else {
      given_up_ = true;
      note(fmt::format("{}: {}", file_,
                       code == MDB_VERSION_MISMATCH ? "it was written by a later version" : lmdb_text(code)));
    }
  }
  return environment_ != nullptr;
}

/// Reads the records into `values`, with a transaction left open. On damage once more, from a new file.
bool LmdbStateStore::load(LmdbLock& lock, std::span<const std::string> keys, WallTime now, bool writing,
                          std::vector<StateValue>& values) {
  for (int tries = 0; tries < 2 && !given_up_; ++tries) {
    values.assign(keys.size(), {});
    if (!prepare(lock)) return false;
    int code = environment_->begin(writing);
    for (std::size_t i = 0; code == 0 && i < keys.size(); ++i) {
      std::string_view octets;
      code = environment_->get(keys[i], octets);
      values[i] = unsealed(octets, now);
    }
    if (code == 0) return true;
    fail(code);
  }
  values.assign(keys.size(), {});
  return false;
}

/// Writes the records into the open transaction and ends it.
int LmdbStateStore::save(std::span<const std::string> keys, const std::vector<StateValue>& values) {
  int code = 0;
  for (std::size_t i = 0; code == 0 && i < keys.size(); ++i) {
    code = values[i].octets.empty() ? environment_->remove(keys[i]) : environment_->put(keys[i], sealed(values[i]));
  }
  if (code == 0) return environment_->commit();
  environment_->abort();
  return code;
}

void LmdbStateStore::fail(int code) {
  environment_->abort();
  if (means_damage(code)) return put_aside(lmdb_text(code));
  note(fmt::format("{}: {}", file_, lmdb_text(code)));
  given_up_ = true;
}

std::vector<std::string> LmdbStateStore::read(std::span<const std::string> keys, WallTime now) {
  std::vector<StateValue> values(keys.size());
  if (!given_up_) {
    LmdbLock lock(lock_file_, file_);
    if (load(lock, keys, now, false, values)) environment_->abort();
  }
  std::vector<std::string> octets;
  octets.reserve(values.size());
  for (StateValue& value : values)
    octets.push_back(std::move(value.octets));
  return octets;
}

bool LmdbStateStore::update(std::span<const std::string> keys, WallTime now,
                            const std::function<void(std::vector<StateValue>&)>& change) {
  std::vector<StateValue> values(keys.size());
  if (given_up_) {
    change(values);
    return false;
  }
  LmdbLock lock(lock_file_, file_);
  const bool loaded = load(lock, keys, now, true, values);
  change(values);
  if (!loaded) return false;
  int code = save(keys, values);
  if (code == MDB_MAP_FULL) code = make_room(lock, now, keys, values);
  if (code == 0 && now.time_since_epoch().count() % kSweepEvery == 0) code = sweep(now, kSweep);
  if (means_damage(code)) {
    // Begun anew, and with this record.
    fail(code);
    if (prepare(lock)) code = environment_->begin(true);
    if (code == 0) code = save(keys, values);
  }
  if (code != 0 && environment_) fail(code);
  return code == 0;
}

/// The file has its largest size: what nobody needs any more goes, all of it. Removing needs pages too, so the limit is
/// lifted for it. Where everything is still needed the file is begun anew.
int LmdbStateStore::make_room(LmdbLock& lock, WallTime now, std::span<const std::string> keys,
                              const std::vector<StateValue>& values) {
  int code = environment_->enlarge();
  if (code == 0) code = sweep(now, SIZE_MAX);
  if (code == 0) code = environment_->begin(true);
  if (code == 0) code = save(keys, values);
  if (code != MDB_MAP_FULL) return code;
  put_aside("it is full");
  if (!prepare(lock)) return code;
  code = environment_->begin(true);
  return code == 0 ? save(keys, values) : code;
}

/// Removes what is of no use any more from the next `most` records on.
int LmdbStateStore::sweep(WallTime now, std::size_t most) {
  std::vector<std::string> useless;
  std::string next;
  int code = environment_->begin(true);
  std::string_view from;
  if (code == 0) code = environment_->get(kSweepKey, from);
  const std::string start(from.empty() || most > kSweep ? std::string_view("\0", 1) : from);
  std::size_t seen = 0;
  if (code == 0) {
    code = environment_->walk(start, most, [&](std::string_view key, std::string_view octets) {
      ++seen;
      next = key;
      const bool own = key == kSweepKey || key == kLmdbFormatKey;
      if (!own && unsealed(octets, now).octets.empty()) useless.emplace_back(key);
      return true;
    });
  }
  for (std::size_t i = 0; code == 0 && i < useless.size(); ++i)
    code = environment_->remove(useless[i]);
  // The end was reached: from the beginning again.
  if (seen < most) next = std::string(1, '\0');
  if (code == 0) code = environment_->put(kSweepKey, next);
  if (code == 0) return environment_->commit();
  environment_->abort();
  return code;
}

std::vector<std::pair<std::string, std::string>> LmdbStateStore::list(std::string_view prefix, WallTime now) {
  std::vector<std::pair<std::string, std::string>> found;
  if (given_up_) return found;
  LmdbLock lock(lock_file_, file_);
  std::vector<StateValue> none;
  if (!load(lock, {}, now, false, none)) return found;
  const int code = environment_->walk(prefix, SIZE_MAX, [&](std::string_view key, std::string_view octets) {
    if (!key.starts_with(prefix)) return false;
    StateValue value = unsealed(octets, now);
    if (!value.octets.empty()) found.emplace_back(key, std::move(value.octets));
    return true;
  });
  if (code != 0)
    fail(code);
  else
    environment_->abort();
  return found;
}

}  // namespace relaypipe
