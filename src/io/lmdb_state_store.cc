#include "io/lmdb_state_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <lmdb.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/hash.h"
#include "io/lmdb_guard.h"
#include "io/lmdb_pages.h"

namespace relaypipe {
namespace {

// What begins an LMDB 0.9 file (mdb.c: MDB_page, MDB_meta): two pages with a root each, of which the newer counts.
constexpr std::size_t kMetaOctets = 152;
constexpr std::size_t kPageSizeAt = 40;
constexpr std::size_t kLastPageAt = 136;
constexpr std::uint32_t kMagic = 0xBEEFC0DE;
constexpr std::size_t kMagicAt = 16;

constexpr std::size_t kSweep = 64;               ///< records looked at together, to find those nobody needs any more
constexpr std::int64_t kSweepEvery = 16;         ///< changes from one such look to the next, on average
constexpr std::string_view kSweepKey = "sweep";  ///< holds where the last look ended
constexpr std::string_view kFormatKey = "format";
constexpr std::uint64_t kFormat = 1;
constexpr std::size_t kHeader = 16;  ///< of a record: until when it is of use, and a checksum

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

template <class Number>
Number number_at(const char* from) {
  Number number;
  std::memcpy(&number, from, sizeof number);
  return number;
}

MDB_val value_of(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }
std::string_view text_of(const MDB_val& value) { return {static_cast<const char*>(value.mv_data), value.mv_size}; }

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
  const auto until = number_at<std::int64_t>(octets.data());
  const std::string_view rest = octets.substr(kHeader);
  if (number_at<std::uint64_t>(octets.data() + 8) != hash_octets(rest, static_cast<std::uint64_t>(until))) return {};
  const WallTime useful_until{Span(until)};
  if (useful_until <= now) return {};
  return {std::string(rest), useful_until};
}

}  // namespace

/// How an operation leaves the file, as far as the system tells. Whoever finds it like that knows that nobody else has
/// touched it since, but within one tick of the clock.
struct Seal {
  std::uint64_t inode = 0;
  std::uint64_t octets = 0;
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;

  static Seal of(const struct stat& status) {
    return {status.st_ino, static_cast<std::uint64_t>(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
  }
  friend bool operator==(const Seal&, const Seal&) = default;
};

/// One operation: the exclusive right to touch the file, the count of those who died while they had it, what the last
/// one left, and the guard of the calls of LMDB.
class LmdbStateStore::Lock {
 public:
  Lock(const std::string& lock_file, const std::string& file) : file_(file) {
    fd_ = open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd_ < 0) {
      error_ = errno;
      return;
    }
    wait();
    if (error_ == 0) begin();
  }
  ~Lock() {
    if (fd_ < 0) return;
    if (error_ == 0) end();
    close(fd_);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  [[nodiscard]] int error() const { return error_; }
  /// Operations right before this one that never came to their end.
  [[nodiscard]] int crashes() const { return crashes_; }
  /// Whether the pages of the open file are known to be sound: this operation has looked, or the last one left it so.
  [[nodiscard]] bool sound(const struct stat& status) const {
    return vouched_ || (crashes_ == 0 && Seal::of(status) == note_.seal);
  }
  /// They were looked at, or have to be as they were left.
  void vouch() { vouched_ = true; }

 private:
  /// What stands in the lock file.
  struct Note {
    std::uint64_t crashes = 0;
    Seal seal;
  };

  void wait() {
    // flock() has no limit of its own; its holders need microseconds, so short naps lose little.
    Span waited{};
    for (Span nap(0); flock(fd_, LOCK_EX | LOCK_NB) != 0;) {
      if (errno != EWOULDBLOCK && errno != EINTR) {
        error_ = errno;
        return;
      }
      if (waited >= kLongestWait) {
        error_ = EWOULDBLOCK;
        return;
      }
      const timespec rest{0, nap == Span(0) ? 100'000 : 1'000'000 * nap.count()};
      nanosleep(&rest, nullptr);
      waited += nap == Span(0) ? Span(1) : nap;
      nap = std::min(nap + Span(1), Span(5));
    }
  }
  void begin() {
    // Shorter than that it has no seal yet.
    std::array<char, sizeof(Note)> octets{};
    if (pread(fd_, octets.data(), octets.size(), 0) > 0) std::memcpy(&note_, octets.data(), octets.size());
    crashes_ = static_cast<int>(std::min<std::uint64_t>(note_.crashes, 100));
    Note begun = note_;
    begun.crashes = static_cast<std::uint64_t>(crashes_) + 1;
    write(begun);
  }
  void end() {
    Note ended = note_;
    ended.crashes = 0;
    struct stat status {};
    if (vouched_ && stat(file_.c_str(), &status) == 0) ended.seal = Seal::of(status);
    write(ended);
  }
  void write(const Note& note) const {
    // On a full disk it stays what it was; the file has its octets from its first day.
    if (pwrite(fd_, &note, sizeof note, 0) != static_cast<ssize_t>(sizeof note)) return;
  }

  const std::string& file_;
  Note note_;
  bool vouched_ = false;
  int fd_ = -1;
  int error_ = 0;
  int crashes_ = 0;
  LmdbGuard guard_;
};

/// The open file. Used with the lock held.
class LmdbStateStore::Environment {
 public:
  ~Environment() {
    if (env_ != nullptr && usable_) mdb_env_close(env_);
  }

  /// Zero, an errno, or LMDB's code.
  int open(const std::string& file) {
    if (const int error = mend_size(file)) return error;
    int code = mdb_env_create(&env_);
    if (code != 0) return code;
    mdb_env_set_mapsize(env_, kMapOctets);
    mdb_env_set_assert(env_, [](MDB_env*, const char*) {
      if (LmdbGuard::armed()) LmdbGuard::jump();
    });
    code = guarded(
        [&] { return mdb_env_open(env_, file.c_str(), MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC | MDB_NORDAHEAD, 0600); });
    return code != 0 ? code : check_format();
  }

  /// Lifts the limit by a quarter.
  int enlarge() {
    return guarded([&] { return mdb_env_set_mapsize(env_, kMapOctets / 4 * 5); });
  }

  /// Whether the file of that name is still the one that is open.
  [[nodiscard]] bool is(const std::string& file) const {
    int fd = -1;
    struct stat ours {};
    struct stat named {};
    return mdb_env_get_fd(env_, &fd) == 0 && fstat(fd, &ours) == 0 && stat(file.c_str(), &named) == 0 &&
           ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
  }

  /// The operation that uses it from now on.
  void serve(Lock& lock) { lock_ = &lock; }

  /// Before a change the pages have to be sound: what is wrong with one of them could make LMDB write outside of its
  /// memory, or never end. What it only reads can do neither.
  int begin(bool writing) {
    int fd = -1;
    if (writing && (mdb_env_get_fd(env_, &fd) != 0 || !sound(fd))) return MDB_CORRUPTED;
    int code = guarded([&] { return mdb_txn_begin(env_, nullptr, writing ? 0U : MDB_RDONLY, &txn_); });
    if (code != 0) txn_ = nullptr;
    if (code == 0) code = guarded([&] { return mdb_dbi_open(txn_, nullptr, 0, &dbi_); });
    return code;
  }
  int get(std::string_view key, std::string_view& octets) {
    MDB_val name = value_of(key);
    MDB_val found{};
    const int code = guarded([&] {
      const int result = mdb_get(txn_, dbi_, &name, &found);
      // Touched here, where a fault is caught.
      volatile char sink = 0;
      for (std::size_t i = 0; result == 0 && i < found.mv_size; i += 512)
        sink = static_cast<const char*>(found.mv_data)[i];
      if (result == 0 && found.mv_size > 0) sink = static_cast<const char*>(found.mv_data)[found.mv_size - 1];
      static_cast<void>(sink);
      return result;
    });
    octets = code == 0 ? text_of(found) : std::string_view();
    return code == MDB_NOTFOUND ? 0 : code;
  }
  int put(std::string_view key, std::string_view octets) {
    MDB_val name = value_of(key);
    MDB_val value = value_of(octets);
    return guarded([&] { return mdb_put(txn_, dbi_, &name, &value, 0); });
  }
  int remove(std::string_view key) {
    MDB_val name = value_of(key);
    const int code = guarded([&] { return mdb_del(txn_, dbi_, &name, nullptr); });
    return code == MDB_NOTFOUND ? 0 : code;
  }
  int commit() {
    const int code = guarded([&] { return mdb_txn_commit(txn_); });
    txn_ = nullptr;
    return code;
  }
  void abort() {
    if (txn_ != nullptr && usable_)
      guarded([&] {
        mdb_txn_abort(txn_);
        return 0;
      });
    txn_ = nullptr;
  }

  /// The records from `from` on, at most `most` of them; `visit` copies what it needs and returns whether to go on.
  int walk(std::string_view from, std::size_t most,
           const std::function<bool(std::string_view key, std::string_view octets)>& visit) {
    MDB_cursor* cursor = nullptr;
    int code = guarded([&] { return mdb_cursor_open(txn_, dbi_, &cursor); });
    MDB_val key = value_of(from);
    MDB_val value{};
    for (std::size_t i = 0; code == 0 && i < most; ++i) {
      const MDB_cursor_op step = i == 0 ? MDB_SET_RANGE : MDB_NEXT;
      code = guarded([&] { return mdb_cursor_get(cursor, &key, &value, step); });
      if (code != 0) break;
      bool more = false;
      std::string name;
      std::string octets;
      code = guarded_copy(key, name);
      if (code == 0) code = guarded_copy(value, octets);
      if (code == 0) more = visit(name, octets);
      if (!more) break;
    }
    if (cursor != nullptr && usable_)
      guarded([&] {
        mdb_cursor_close(cursor);
        return 0;
      });
    return code == MDB_NOTFOUND ? 0 : code;
  }

  [[nodiscard]] bool usable() const { return usable_; }

 private:
  template <class Call>
  int guarded(const Call& call) {
    if (!usable_) return LmdbGuard::kFault;
    const int code = LmdbGuard::run(call);
    // LMDB was left in the middle: nothing of it may be called again, not even to close it.
    if (code == LmdbGuard::kFault) usable_ = false;
    return code;
  }

  int guarded_copy(const MDB_val& from, std::string& to) {
    if (from.mv_size > 2 * kMapOctets) return LmdbGuard::kFault;
    to.resize(from.mv_size);
    return guarded([&] {
      std::memcpy(to.data(), from.mv_data, from.mv_size);
      return 0;
    });
  }

  /// A file that is shorter than its last page would be a SIGBUS; with zeros at its end it is an error of LMDB's, or
  /// nothing at all, since the last pages may never have been written.
  int mend_size(const std::string& file) {
    const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? 0 : errno;
    const int error = mend_open_file(fd);
    close(fd);
    return error;
  }
  int mend_open_file(int fd) {
    struct stat status {};
    if (fstat(fd, &status) != 0) return errno;
    if (!S_ISREG(status.st_mode)) return EINVAL;
    if (status.st_size == 0) return 0;
    std::array<char, kMetaOctets> meta{};
    std::uint64_t needed = 0;
    std::uint64_t page = 4096;
    for (int i = 0; i < 2; ++i) {
      if (pread(fd, meta.data(), meta.size(), static_cast<off_t>(page) * i) != static_cast<ssize_t>(meta.size())) {
        return MDB_INVALID;
      }
      if (number_at<std::uint32_t>(meta.data() + kMagicAt) != kMagic) return MDB_INVALID;
      page = number_at<std::uint32_t>(meta.data() + kPageSizeAt);
      const auto last = number_at<std::uint64_t>(meta.data() + kLastPageAt);
      if (page < 512 || page > 65536 || last > 2 * kMapOctets / page) return MDB_INVALID;
      needed = std::max(needed, (last + 1) * page);
    }
    if (static_cast<std::uint64_t>(status.st_size) < needed && ftruncate(fd, static_cast<off_t>(needed)) != 0)
      return errno;
    return sound(fd) ? 0 : MDB_CORRUPTED;
  }

  /// Every page is looked at, some microseconds each, unless the last operation left the file as it is.
  bool sound(int fd) {
    struct stat status {};
    if (fstat(fd, &status) != 0) return false;
    if (!lock_->sound(status) && !lmdb_pages_are_sound(fd)) return false;
    lock_->vouch();
    return true;
  }

  /// What is in the file is ours to understand.
  int check_format() {
    int code = begin(false);
    std::string_view octets;
    if (code == 0) code = get(kFormatKey, octets);
    std::uint64_t format = kFormat;
    if (code == 0 && octets.size() == sizeof format) format = number_at<std::uint64_t>(octets.data());
    const bool fresh = octets.empty();
    abort();
    if (code != 0) return code;
    if (format > kFormat) return MDB_VERSION_MISMATCH;
    return fresh ? write_format() : 0;
  }
  int write_format() {
    int code = begin(true);
    const std::string octets(reinterpret_cast<const char*>(&kFormat), sizeof kFormat);
    if (code == 0) code = put(kFormatKey, octets);
    if (code != 0) {
      abort();
      return code;
    }
    return commit();
  }

  Lock* lock_ = nullptr;
  MDB_env* env_ = nullptr;
  MDB_txn* txn_ = nullptr;
  MDB_dbi dbi_ = 0;
  bool usable_ = true;
};

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
bool LmdbStateStore::prepare(Lock& lock) {
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
    environment_ = std::make_unique<Environment>();
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
bool LmdbStateStore::load(Lock& lock, std::span<const std::string> keys, WallTime now, bool writing,
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
    Lock lock(lock_file_, file_);
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
  Lock lock(lock_file_, file_);
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
int LmdbStateStore::make_room(Lock& lock, WallTime now, std::span<const std::string> keys,
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
      const bool own = key == kSweepKey || key == kFormatKey;
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
  Lock lock(lock_file_, file_);
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
