#include "command/wiring/state_parts.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/printable.h"
#include "command/status/json.h"
#include "io/base/file_stamp.h"
#include "io/credentials/stamp.h"
#include "io/state/queue_lock.h"
#include "io/state/store.h"
#include "io/system/change_hook.h"
#include "io/system/time_zones.h"
#include "relay/reply_words.h"
#include "state/change_log.h"
#include "state/forgetful_store.h"

namespace relaypipe {
namespace {

/// The one line a change of a relay's state is told in.
std::string change_line(const Change& change) {
  const std::string relay = printable(change.relay);
  if (change.kind == Change::Kind::Up) return fmt::format("relay {} is back", relay);
  if (change.kind == Change::Kind::Resumed) return fmt::format("relay {} may be used again, {}", relay, change.words);
  if (change.kind == Change::Kind::Suspended) {
    return fmt::format("relay {} is suspended until {}, {}", relay, time_text(change.until), change.words);
  }
  return fmt::format("relay {} is cooling down until {}, cause={}", relay, time_text(change.until),
                     cause_name(change.cause));
}

}  // namespace

StateParts::StateParts(const RunSettings& settings, std::vector<std::string> on_change, const Clock& clock,
                       Journal& journal, std::string log_id)
    : settings_(settings),
      clock_(clock),
      journal_(journal),
      log_id_(std::move(log_id)),
      on_change_(std::move(on_change)),
      directory_(settings.use_state ? settings.state_directory : "") {
  open();
}

bool StateParts::owners_replaced() {
  const std::string before = std::exchange(owners_file_, file_identity(directory_ + "/owners.lock"));
  return !before.empty() && owners_file_ != before;
}

void StateParts::begin_message(std::string log_id) {
  log_id_ = std::move(log_id);
  if (!directory_.empty() && (owners_replaced() || in_trouble())) open();
}

void StateParts::open() {
  if (!directory_.empty()) {
    store_ = std::make_unique<SqliteStateStore>(directory_);
    lock_ = std::make_unique<QueueLock>(directory_);
    owners_ = std::make_unique<StateOwners>(directory_);
  } else {
    store_ = std::make_unique<ForgetfulStore>();
    lock_ = std::make_unique<NoDeliveryLock>();
  }
}

HistoryServices StateParts::services() {
  return {*store_,
          wall_,
          clock_,
          settings_,
          [this] { return owners_ ? owners_->self() : Owner{1}; },
          [this](const Owner& owner) { return owners_ && owners_->alive(owner); },
          zone_offset,
          [](const Relay& relay) { return account_stamp(relay.account); },
          [this](const Relay& relay) { return relay_stamp(relay, settings_); },
          [this](const Change& change) { tell(change); }};
}

void StateParts::tell(const Change& change) {
  const bool down = change.kind == Change::Kind::Down;
  journal_.line(down ? Journal::Level::Warning : Journal::Level::Info, log_id_ + ": " + change_line(change));
  note_changes(*store_, std::array{change}, wall_.now());
  // Of what an administrator does the program is not told here either.
  const bool by_hand = change.kind == Change::Kind::Suspended || change.kind == Change::Kind::Resumed;
  if (on_change_.empty() || by_hand) return;
  const std::string problem = run_detached(on_change_, change_json(change));
  if (!problem.empty()) {
    journal_.line(Journal::Level::Warning, fmt::format("{}: on_change {}: {}", log_id_, on_change_.front(), problem));
  }
}

bool StateParts::in_trouble() const { return store_->trouble() || lock_->trouble() || (owners_ && owners_->trouble()); }

void StateParts::tell_trouble() {
  std::string all;
  for (const auto& trouble : {store_->trouble(), lock_->trouble(), owners_ ? owners_->trouble() : std::nullopt}) {
    if (trouble) all += (all.empty() ? "" : "; ") + printable(*trouble);
  }
  if (!all.empty()) journal_.line(Journal::Level::Warning, log_id_ + ": state: " + all);
}

}  // namespace relaypipe
