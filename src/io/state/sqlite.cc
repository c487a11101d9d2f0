#include "io/state/sqlite.h"

#include <sqlite3.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <utility>

#include "base/hash.h"
#include "io/base/error_text.h"
#include "io/state/file.h"

namespace relaypipe {
namespace {

// What begins an SQLite file (sqlite.org/fileformat2.html, "The Database Header").
constexpr std::size_t kHeadOctets = 100;
constexpr std::string_view kMagic("SQLite format 3\0", 16);
constexpr std::size_t kJournalKindsAt = 18;  ///< two octets, for writing and for reading; 1: a rollback journal
constexpr std::size_t kUserVersionAt = 60;   ///< four octets, the greatest first
constexpr std::uint32_t kLastForm = 255;     ///< there will be no more; a greater number is damage

/// The record that holds where the last sweep ended. It sorts before all others.
constexpr std::string_view kSweepKey;

constexpr std::array kSql{
    "BEGIN",
    "BEGIN IMMEDIATE",
    "COMMIT",
    "SELECT until,octets FROM record WHERE key=?1",
    "REPLACE INTO record VALUES(?1,?2,?3)",
    "DELETE FROM record WHERE key=?1",
    "SELECT key,until,octets FROM record WHERE key>=?1 AND key<>''",
    "SELECT key FROM record WHERE key>?1 LIMIT 1 OFFSET ?2",
    "DELETE FROM record WHERE key>?1 AND key<=?2 AND until<=?3",
};

/// Settings of the library for the whole process, which uses it in one thread.
int library() {
  static const int code = [] {
    sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_MMAP_SIZE, sqlite3_int64{0}, sqlite3_int64{0});
    return sqlite3_initialize();
  }();
  return code;
}

void bind_text(sqlite3_stmt* statement, int place, std::string_view text) {
  sqlite3_bind_text(statement, place, text.empty() ? "" : text.data(), static_cast<int>(text.size()), nullptr);
}

std::string_view column(sqlite3_stmt* statement, int place) {
  const auto* const octets = static_cast<const char*>(sqlite3_column_blob(statement, place));
  return octets == nullptr ? std::string_view()
                           : std::string_view(octets, static_cast<std::size_t>(sqlite3_column_bytes(statement, place)));
}

/// A checksum of a record goes before its octets.
std::string sealed(const StateValue& value) {
  const auto until = static_cast<std::uint64_t>(value.useful_until.time_since_epoch().count());
  const std::uint64_t sum = hash_octets(value.octets, until);
  std::string octets(sizeof sum, '\0');
  std::memcpy(octets.data(), &sum, sizeof sum);
  return octets + value.octets;
}

/// What was put there, or nothing where it is damaged or of no use any more.
StateValue unsealed(sqlite3_int64 until, std::string_view octets, WallTime now) {
  std::uint64_t sum = 0;
  if (octets.size() <= sizeof sum) return {};
  std::memcpy(&sum, octets.data(), sizeof sum);
  octets.remove_prefix(sizeof sum);
  const WallTime useful_until{Span(until)};
  if (useful_until <= now || sum != hash_octets(octets, static_cast<std::uint64_t>(until))) return {};
  return {std::string(octets), useful_until};
}

}  // namespace

SqliteFile::SqliteFile(std::string directory, std::string name)
    : directory_(std::move(directory)), name_(std::move(name)) {}

SqliteFile::~SqliteFile() { close(); }

void SqliteFile::close() {
  for (sqlite3_stmt*& statement : statements_)
    sqlite3_finalize(std::exchange(statement, nullptr));
  sqlite3_close(std::exchange(db_, nullptr));
}

int SqliteFile::open() {
  int moved = 0;
  if (db_ != nullptr && sqlite3_file_control(db_, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == 0 && moved == 0) return 0;
  close();
  error_.clear();
  int code = look_at_head();
  if (code == 0) code = library();
  if (code == 0) code = sqlite3_open_v2(path().c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, nullptr);
  if (code == 0) code = set_up();
  if (code != 0) {
    error_ = text_of(code);
    close();
  }
  return code;
}

/// The file is made by us and not by SQLite, so that it has the right owner and is no link; and what SQLite would take
/// for a file with a write-ahead log is damage.
int SqliteFile::look_at_head() {
  const auto file = open_state_file(directory_, name_);
  if (!file) {
    error_ = file.error();
    return kUnusable;
  }
  std::array<unsigned char, kHeadOctets> head{};
  const ssize_t count = pread(file->get(), head.data(), head.size(), 0);
  if (count == 0) return 0;
  const bool known = count == static_cast<ssize_t>(head.size()) &&
                     std::memcmp(head.data(), kMagic.data(), kMagic.size()) == 0 && head[kJournalKindsAt] == 1 &&
                     head[kJournalKindsAt + 1] == 1;
  if (!known) return SQLITE_NOTADB;
  std::uint32_t form = 0;
  for (std::size_t i = 0; i < sizeof form; ++i)
    form = form << 8U | head[kUserVersionAt + i];
  if (form <= kForm) return 0;
  if (form > kLastForm) return SQLITE_NOTADB;
  error_ = path() + ": it was written by a later version";
  return kUnusable;
}

int SqliteFile::set_up() {
  sqlite3_busy_timeout(db_, kBusyMs);
  int code = execute("PRAGMA synchronous=OFF;PRAGMA journal_mode=TRUNCATE");
  if (code == 0) code = prepare(Get);
  // An error that is not of the file: the table is not there.
  return code == SQLITE_ERROR ? make_table() : code;
}

int SqliteFile::make_table() {
  int code = execute(
      "BEGIN IMMEDIATE;"
      "CREATE TABLE record(key TEXT PRIMARY KEY,until INTEGER NOT NULL,octets BLOB NOT NULL)WITHOUT ROWID;"
      "PRAGMA user_version=1;"
      "COMMIT");
  static_assert(kForm == 1);
  if (code == 0) code = prepare(Get);
  return code == SQLITE_ERROR ? SQLITE_CORRUPT : code;
}

int SqliteFile::check() {
  int code = open();
  sqlite3_stmt* statement = nullptr;
  if (code == 0) code = sqlite3_prepare_v2(db_, "PRAGMA quick_check(1)", -1, &statement, nullptr);
  if (code == 0) {
    const int step = sqlite3_step(statement);
    code = step == SQLITE_ROW ? (column(statement, 0) == "ok" ? 0 : SQLITE_CORRUPT) : step;
  }
  sqlite3_finalize(statement);
  return code;
}

bool SqliteFile::quarantine() {
  close();
  const std::string aside = path() + ".damaged";
  // The journal belongs to the damaged file: a new one must not be rolled back with it.
  std::rename((path() + "-journal").c_str(), (aside + "-journal").c_str());
  return std::rename(path().c_str(), aside.c_str()) == 0;
}

int SqliteFile::execute(const char* sql) { return sqlite3_exec(db_, sql, nullptr, nullptr, nullptr); }

int SqliteFile::prepare(Statement which) {
  sqlite3_stmt*& statement = statements_[which];
  return statement != nullptr ? 0 : sqlite3_prepare_v2(db_, kSql[which], -1, &statement, nullptr);
}

/// A statement without rows, to its end.
int SqliteFile::run(Statement which) {
  const int code = sqlite3_step(statements_[which]);
  sqlite3_reset(statements_[which]);
  return code == SQLITE_DONE ? 0 : code;
}

int SqliteFile::begin(bool writing) {
  const Statement which = writing ? BeginWriting : BeginReading;
  const int code = prepare(which);
  return code == 0 ? run(which) : code;
}

int SqliteFile::commit() {
  const int code = prepare(Commit);
  return code == 0 ? run(Commit) : code;
}

void SqliteFile::roll_back() {
  if (db_ != nullptr && sqlite3_get_autocommit(db_) == 0) execute("ROLLBACK");
}

int SqliteFile::get(std::string_view key, WallTime now, StateValue& value) {
  value = {};
  if (const int code = prepare(Get)) return code;
  sqlite3_stmt* const statement = statements_[Get];
  bind_text(statement, 1, key);
  const int code = sqlite3_step(statement);
  if (code == SQLITE_ROW) value = unsealed(sqlite3_column_int64(statement, 0), column(statement, 1), now);
  sqlite3_reset(statement);
  return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : code;
}

int SqliteFile::put(std::string_view key, const StateValue& value) {
  const Statement which = value.octets.empty() ? Remove : Put;
  if (const int code = prepare(which)) return code;
  bind_text(statements_[which], 1, key);
  if (which == Remove) return run(Remove);
  const std::string octets = sealed(value);
  sqlite3_bind_int64(statements_[Put], 2, value.useful_until.time_since_epoch().count());
  sqlite3_bind_blob(statements_[Put], 3, octets.data(), static_cast<int>(octets.size()), nullptr);
  return run(Put);
}

int SqliteFile::walk(std::string_view prefix, WallTime now,
                     const std::function<void(std::string_view key, std::string octets)>& visit) {
  if (const int code = prepare(Walk)) return code;
  sqlite3_stmt* const statement = statements_[Walk];
  bind_text(statement, 1, prefix);
  int code = SQLITE_DONE;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    const std::string_view key = column(statement, 0);
    if (!key.starts_with(prefix)) break;
    StateValue value = unsealed(sqlite3_column_int64(statement, 1), column(statement, 2), now);
    if (!value.octets.empty()) visit(key, std::move(value.octets));
  }
  sqlite3_reset(statement);
  return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : code;
}

int SqliteFile::sweep(WallTime now, int most) {
  StateValue last;
  int code = get(kSweepKey, now, last);
  if (code == 0) code = prepare(SweepEnd);
  if (code == 0) code = prepare(Sweep);
  if (code != 0) return code;
  sqlite3_stmt* const end = statements_[SweepEnd];
  sqlite3_stmt* const removal = statements_[Sweep];
  bind_text(end, 1, last.octets);
  sqlite3_bind_int(end, 2, most - 1);
  code = sqlite3_step(end);
  // Without a row the end was reached, and the next look is from the beginning.
  const bool more = code == SQLITE_ROW;
  StateValue next{more ? std::string(column(end, 0)) : std::string(), kFarFuture};
  sqlite3_reset(end);
  if (code != SQLITE_ROW && code != SQLITE_DONE) return code;
  bind_text(removal, 1, last.octets);
  // A limit in any case, so that SQLite stops there instead of reading on to the end; octets sort after every text.
  if (more)
    bind_text(removal, 2, next.octets);
  else
    sqlite3_bind_zeroblob(removal, 2, 0);
  sqlite3_bind_int64(removal, 3, now.time_since_epoch().count());
  code = run(Sweep);
  return code == 0 ? put(kSweepKey, next) : code;
}

std::string SqliteFile::text_of(int code) const {
  if (db_ == nullptr && !error_.empty()) return error_;
  const bool of_system = (code & 0xFF) == SQLITE_IOERR || (code & 0xFF) == SQLITE_CANTOPEN;
  const int error = db_ != nullptr && of_system ? sqlite3_system_errno(db_) : 0;
  const std::string text = error != 0 ? error_text(error) : sqlite3_errstr(code);
  return path() + ": " + text;
}

bool SqliteFile::means_damage(int code) {
  if (code == SQLITE_IOERR_SHORT_READ || code == SQLITE_IOERR_CORRUPTFS) return true;
  switch (code & 0xFF) {
    case SQLITE_ERROR:  // the table is not ours
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_EMPTY: return code > 0;
    default: return false;
  }
}

}  // namespace relaypipe
