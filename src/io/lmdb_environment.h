#pragma once

#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "io/lmdb_guard.h"
#include "io/lmdb_lock.h"
#include "io/lmdb_pages.h"
#include "io/lmdb_state_store.h"

namespace relaypipe {

// What begins an LMDB 0.9 file (mdb.c: MDB_page, MDB_meta): two pages with a root each, of which the newer counts.
inline constexpr std::size_t kLmdbRootOctets = 152;
inline constexpr std::size_t kLmdbPageSizeAt = 40;
inline constexpr std::size_t kLmdbLastPageAt = 136;
inline constexpr std::uint32_t kLmdbMagic = 0xBEEFC0DE;
inline constexpr std::size_t kLmdbMagicAt = 16;

/// The record that says in which form the others are.
inline constexpr std::string_view kLmdbFormatKey = "format";
inline constexpr std::uint64_t kLmdbFormat = 1;

template <class Number>
Number lmdb_number_at(const char* from) {
  Number number;
  std::memcpy(&number, from, sizeof number);
  return number;
}

inline MDB_val lmdb_value(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }
inline std::string_view lmdb_text_of(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

/// The open file. Used with the lock held.
class LmdbEnvironment {
 public:
  ~LmdbEnvironment() {
    if (env_ != nullptr && usable_) mdb_env_close(env_);
  }

  /// Zero, an errno, or LMDB's code.
  int open(const std::string& file) {
    if (const int error = mend_size(file)) return error;
    int code = mdb_env_create(&env_);
    if (code != 0) return code;
    mdb_env_set_mapsize(env_, LmdbStateStore::kMapOctets);
    mdb_env_set_assert(env_, [](MDB_env*, const char*) {
      if (LmdbGuard::armed()) LmdbGuard::jump();
    });
    code = guarded(
        [&] { return mdb_env_open(env_, file.c_str(), MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC | MDB_NORDAHEAD, 0600); });
    return code != 0 ? code : check_format();
  }

  /// Lifts the limit by a quarter.
  int enlarge() {
    return guarded([&] { return mdb_env_set_mapsize(env_, LmdbStateStore::kMapOctets / 4 * 5); });
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
  void serve(LmdbLock& lock) { lock_ = &lock; }

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
    MDB_val name = lmdb_value(key);
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
    octets = code == 0 ? lmdb_text_of(found) : std::string_view();
    return code == MDB_NOTFOUND ? 0 : code;
  }
  int put(std::string_view key, std::string_view octets) {
    MDB_val name = lmdb_value(key);
    MDB_val value = lmdb_value(octets);
    return guarded([&] { return mdb_put(txn_, dbi_, &name, &value, 0); });
  }
  int remove(std::string_view key) {
    MDB_val name = lmdb_value(key);
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
    MDB_val key = lmdb_value(from);
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
    if (from.mv_size > 2 * LmdbStateStore::kMapOctets) return LmdbGuard::kFault;
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
    std::array<char, kLmdbRootOctets> meta{};
    std::uint64_t needed = 0;
    std::uint64_t page = 4096;
    for (int i = 0; i < 2; ++i) {
      if (pread(fd, meta.data(), meta.size(), static_cast<off_t>(page) * i) != static_cast<ssize_t>(meta.size())) {
        return MDB_INVALID;
      }
      if (lmdb_number_at<std::uint32_t>(meta.data() + kLmdbMagicAt) != kLmdbMagic) return MDB_INVALID;
      page = lmdb_number_at<std::uint32_t>(meta.data() + kLmdbPageSizeAt);
      const auto last = lmdb_number_at<std::uint64_t>(meta.data() + kLmdbLastPageAt);
      if (page < 512 || page > 65536 || last > 2 * LmdbStateStore::kMapOctets / page) return MDB_INVALID;
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
    lock_->vouch(status);
    return true;
  }

  /// What is in the file is ours to understand.
  int check_format() {
    int code = begin(false);
    std::string_view octets;
    if (code == 0) code = get(kLmdbFormatKey, octets);
    std::uint64_t format = kLmdbFormat;
    if (code == 0 && octets.size() == sizeof format) format = lmdb_number_at<std::uint64_t>(octets.data());
    const bool fresh = octets.empty();
    abort();
    if (code != 0) return code;
    if (format > kLmdbFormat) return MDB_VERSION_MISMATCH;
    return fresh ? write_format() : 0;
  }
  int write_format() {
    int code = begin(true);
    const std::string octets(reinterpret_cast<const char*>(&kLmdbFormat), sizeof kLmdbFormat);
    if (code == 0) code = put(kLmdbFormatKey, octets);
    if (code != 0) {
      abort();
      return code;
    }
    return commit();
  }

  LmdbLock* lock_ = nullptr;
  MDB_env* env_ = nullptr;
  MDB_txn* txn_ = nullptr;
  MDB_dbi dbi_ = 0;
  bool usable_ = true;
};

}  // namespace relaypipe
