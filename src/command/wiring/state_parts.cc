#include "command/wiring/state_parts.h"

#include <fmt/format.h>

#include <array>

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
#include "state/settings_stamp.h"

namespace relaypipe {
namespace {

/// The one line a change of a relay's state is told in.
std::string change_line(const Change& change) {
  if (change.kind == Change::Kind::Up) return fmt::format("relay {} is back", printable(change.relay));
  return fmt::format("relay {} is cooling down until {}, cause={}", printable(change.relay), time_text(change.until),
                     cause_name(change.cause));
}

/// What the state consists of, in its directory.
constexpr std::array kFiles{"/state.db", "/messages.db", "/owners.lock"};

}  // namespace

StateParts::StateParts(const Settings& settings, std::vector<std::string> on_change, const Clock& clock,
                       Journal& journal, std::string log_id)
    : clock_(clock),
      journal_(journal),
      log_id_(std::move(log_id)),
      on_change_(std::move(on_change)),
      directory_(settings.use_state ? settings.state_directory : "") {
  open();
}

bool StateParts::files_replaced() {
  bool replaced = false;
  for (std::size_t i = 0; i < kFiles.size(); ++i) {
    std::string file = file_identity(directory_ + kFiles[i]);
    replaced = replaced || (!files_[i].empty() && file != files_[i]);
    files_[i] = std::move(file);
  }
  return replaced;
}

void StateParts::begin_message(std::string log_id) {
  log_id_ = std::move(log_id);
  if (!directory_.empty() && (files_replaced() || in_trouble())) open();
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
          [this] { return owners_ ? owners_->self() : Owner{1}; },
          [this](const Owner& owner) { return owners_ && owners_->alive(owner); },
          zone_offset,
          [](const Relay& relay) { return account_stamp(relay.account); },
          [](const Relay& relay) { return tls_files_stamp(relay.settings.tls_more, settings_stamp(relay)); },
          [this](const Change& change) { tell(change); }};
}

void StateParts::tell(const Change& change) {
  const bool down = change.kind == Change::Kind::Down;
  journal_.line(down ? Journal::Level::Warning : Journal::Level::Info, log_id_ + ": " + change_line(change));
  note_changes(*store_, std::array{change}, wall_.now());
  if (on_change_.empty()) return;
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
