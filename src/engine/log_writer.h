// What a running job says, on its way into the job store: its log, and how far it is.
#pragma once

#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>

#include "nanogrid/job.h"

namespace nanogrid {

// Takes a job's output on the invoking thread and stores it in pieces, in their order. Memory is
// bounded: who writes faster than the store takes it waits. Thread-safe.
class LogWriter final : public LogSink {
 public:
  // An error that may pass is tried again, any other drops the piece.
  struct Store {
    std::function<Status(std::string_view bytes)> append{};
    std::function<Status(const std::string& json)> report{};
  };
  // Drops everything as soon as `lost` is requested.
  LogWriter(Store store, std::stop_token lost);

  void Write(std::string_view bytes) override;
  void Progress(std::string_view json) override;

  // Stores what there is, now and then: what the store does not take stays for the next time.
  // Progress is not told more often than five times a second.
  void Flush();
  // Stores the log's rest, however often it takes.
  void Finish();
  // As it was reported last; empty: never.
  std::string progress() const;

 private:
  // With order_ held. False: try again.
  bool StoreText();
  void StoreProgress();

  const Store store_;
  const std::stop_token lost_;
  std::mutex order_;         // held while storing
  std::string storing_;      // by order_: not yet stored, older than text_
  TimePoint next_report_{};  // by order_
  mutable std::mutex mutex_;
  std::string text_;
  std::string progress_;
  bool report_due_ = false;
};

}  // namespace nanogrid
