#include "engine/log_writer.h"

#include <algorithm>
#include <utility>

#include "core/json.h"
#include "engine/job_pause.h"
#include "nanogrid/clock.h"

namespace nanogrid {
namespace {

constexpr size_t kBatch = 64 << 10;
constexpr size_t kMaxProgress = 4 << 10;
constexpr Duration kBetweenReports = std::chrono::milliseconds(200);

}  // namespace

LogWriter::LogWriter(Store store, std::stop_token lost)
    : store_(std::move(store)), lost_(std::move(lost)) {}

void LogWriter::Write(std::string_view bytes) {
  while (!bytes.empty() && !lost_.stop_requested()) {
    bool full = false;
    {
      const std::lock_guard lock(mutex_);
      const size_t taken = std::min(bytes.size(), kBatch - text_.size());
      text_ += bytes.substr(0, taken);
      bytes.remove_prefix(taken);
      full = text_.size() == kBatch;
    }
    if (full) Finish();
  }
}

void LogWriter::Progress(std::string_view json) {
  if (json.empty() || json.size() > kMaxProgress || !CheckJson(json).ok()) return;
  const std::lock_guard lock(mutex_);
  if (progress_ == json) return;
  progress_ = json;
  report_due_ = true;
}

std::string LogWriter::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

void LogWriter::Flush() {
  const std::unique_lock storing(order_, std::try_to_lock);
  if (!storing.owns_lock() || lost_.stop_requested()) return;  // the job's thread is at it
  if (StoreText()) StoreProgress();
}

void LogWriter::Finish() {
  const std::lock_guard storing(order_);
  GrowingPause pause;
  while (!lost_.stop_requested()) {
    if (!StoreText()) {
      pause.Wait(lost_);
      continue;
    }
    const std::lock_guard lock(mutex_);
    if (text_.empty()) return;
  }
}

bool LogWriter::StoreText() {
  if (storing_.empty()) {
    const std::lock_guard lock(mutex_);
    storing_.swap(text_);
  }
  if (storing_.empty()) return true;
  if (MayPass(store_.append(storing_))) return false;
  storing_.clear();
  return true;
}

void LogWriter::StoreProgress() {
  const TimePoint now = Clock::System().Now();
  if (now < next_report_) return;
  std::string json;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(report_due_, false)) return;
    json = progress_;
  }
  next_report_ = now + kBetweenReports;
  if (!MayPass(store_.report(json))) return;
  const std::lock_guard lock(mutex_);
  report_due_ = true;
}

}  // namespace nanogrid
