#include "verdict/exit_status.h"

#include "catch.h"

namespace relaypipe {
namespace {

Verdict with(Disposition disposition, EnhancedStatus status) { return {disposition, status, "text", {}}; }

TEST_CASE("0 is for a delivery and for nothing else") {
  for (int subject = 0; subject <= 9; ++subject) {
    for (int detail = 0; detail <= 30; ++detail) {
      CHECK(exit_status(with(Disposition::Delivered, {2, subject, detail})) == 0);
      CHECK(exit_status(with(Disposition::Deferred, {4, subject, detail})) == 75);
      CHECK(exit_status(with(Disposition::Deferred, {5, subject, detail})) == 75);
      CHECK(exit_status(with(Disposition::Bounced, {5, subject, detail})) > 64);
    }
  }
}

TEST_CASE("a hard verdict has the sysexits status that Postfix reads back as its kind") {
  struct Row {
    EnhancedStatus status;
    int exit;
  };
  const Row row =
      GENERATE(Row{{5, 1, 1}, 67}, Row{{5, 1, 2}, 68}, Row{{5, 1, 0}, 69}, Row{{5, 1, 3}, 69}, Row{{5, 1, 6}, 69},
               Row{{5, 1, 7}, 69}, Row{{5, 1, 10}, 69}, Row{{5, 1, 11}, 69}, Row{{5, 0, 0}, 69}, Row{{5, 2, 1}, 69},
               Row{{5, 2, 2}, 69}, Row{{5, 3, 4}, 69}, Row{{5, 4, 4}, 69}, Row{{5, 5, 0}, 69}, Row{{5, 6, 0}, 65},
               Row{{5, 6, 7}, 65}, Row{{5, 6, 1}, 65}, Row{{5, 7, 0}, 77}, Row{{5, 7, 1}, 77}, Row{{5, 7, 26}, 77},
               Row{{5, 8, 0}, 69}, Row{{5, 999, 999}, 69}, Row{{5, 67, 1}, 69});
  CAPTURE(row.status.text());
  CHECK(exit_status(with(Disposition::Bounced, row.status)) == row.exit);
}

TEST_CASE("every status is one that pipe(8) knows") {
  for (const auto disposition : {Disposition::Delivered, Disposition::Deferred, Disposition::Bounced}) {
    for (int subject = 0; subject < 1000; ++subject) {
      const int status = exit_status(with(disposition, {5, subject, subject % 3}));
      const bool known =
          status == 0 || status == 65 || status == 67 || status == 68 || status == 69 || status == 75 || status == 77;
      if (!known) FAIL(status);
    }
  }
}

}  // namespace
}  // namespace relaypipe
