#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "state/store.h"

struct sqlite3;
struct sqlite3_stmt;

namespace relaypipe {

/// One SQLite file of records: a table from keys to octets with an end of use. Used with the state's lock held.
///
/// journal_mode=TRUNCATE: a change that was cut short by a death is rolled back by the next process, and an empty
/// journal is not opened to be looked at before every transaction, as the header that PERSIST clears is.
/// synchronous=OFF: nothing waits for a disk; a machine that loses power may damage the file, which is then recreated.
/// Nothing is mapped (no write-ahead log either, whose index would be), so whatever becomes of the file is an error and
/// no signal. Each record carries a checksum, for octets that SQLite has no opinion about; one that does not match is
/// absent.
///
/// Functions return zero or a code of SQLite's, or kUnusable.
class SqliteFile {
 public:
  static constexpr int kForm = 1;       ///< of the tables: `user_version` in the file
  static constexpr int kUnusable = -1;  ///< error() says why; the file is to be left as it is
  static constexpr int kBusyMs = 250;   ///< how long to wait for other programs, such as sqlite3(1)

  SqliteFile(std::string directory, std::string name);
  ~SqliteFile();
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  /// Opens it, makes it where it is missing, and opens it anew where another file has got its name.
  int open();
  void close();
  /// Reads it from end to end.
  int check();
  /// Gives it another name, so that it can be recreated. False: that cannot be done.
  bool quarantine();

  /// To write: nobody else can until commit() or roll_back(). To read: all of it as it was at one moment, with one look
  /// at the file's locks and journal instead of one for each record.
  int begin(bool writing);
  int commit();
  void roll_back();

  int get(std::string_view key, WallTime now, StateValue& value);
  /// Without octets it is removed.
  int put(std::string_view key, const StateValue& value);
  /// The records whose keys begin with `prefix`, by key.
  int walk(std::string_view prefix, WallTime now,
           const std::function<void(std::string_view key, std::string octets)>& visit);
  /// Looks at the next `most` records from where the last look ended, and removes what is of no use any more.
  int sweep(WallTime now, int most);

  [[nodiscard]] std::string path() const { return directory_ + "/" + name_; }
  /// A phrase for a code that one of these functions has just returned.
  [[nodiscard]] std::string text_of(int code) const;
  /// Whether a code says that the file is not what it should be, rather than that a disk is full or we may not.
  static bool means_damage(int code);

 private:
  enum Statement : std::size_t {
    BeginReading,
    BeginWriting,
    Commit,
    Get,
    Put,
    Remove,
    Walk,
    SweepEnd,
    Sweep,
    kStatements
  };

  int look_at_head();
  int set_up();
  int make_table();
  int execute(const char* sql);
  int prepare(Statement which);
  int run(Statement which);

  std::string directory_;
  std::string name_;
  std::string error_;
  sqlite3* db_ = nullptr;
  std::array<sqlite3_stmt*, kStatements> statements_{};
};

}  // namespace relaypipe
