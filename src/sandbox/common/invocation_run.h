// One invocation on one instance, from the event to the outcome, on the calling thread.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "sandbox/common/conversation.h"
#include "sandbox/common/pipe_instance.h"

namespace nanogrid {

class InvocationRun {
 public:
  InvocationRun(PipeInstance& instance, const Context& context, const Invocation& invocation,
                LogSink& log);

  Result<Outcome> Run();
  // Whether the instance is still there and in step with the protocol. After Run.
  bool alive() const { return alive_; }

 private:
  struct Wake {
    int fd;
    void operator()() const;
  };

  // One wait for whatever happens next, and what follows from it. False, with errno, if the wait
  // itself failed.
  bool WaitOnce();
  // Looks for a quick answer without going to sleep.
  void Spin();
  void OnProgress(Progress progress);
  void PumpLog();
  void OnExit();
  void CheckLimits();
  void Watch();
  void WatchTree();
  int64_t TimeoutNs() const;

  // Ends the invocation; the first reason wins.
  void End(Ending ending, std::string message);
  void Answer();
  Result<Outcome> Finish();
  void Measure(Outcome& outcome);
  uint64_t OutputLeft() const;

  PipeInstance& instance_;
  const Context& context_;
  LogSink& log_;
  FileSink* const files_;
  const TimePoint start_;
  std::optional<FrameConversation> frames_;
  std::optional<StdioConversation> stdio_;
  Conversation* conversation_ = nullptr;
  std::optional<std::stop_callback<Wake>> stop_callback_;

  uint64_t logged_ = 0;
  bool log_truncated_ = false;
  bool log_waits_ = false;  // the last wait found something to read in the log
  bool alive_ = true;
  bool exited_ = false;  // main process or init is gone
  TimePoint next_watch_{};
  Duration watch_interval_{};
  uint64_t watched_peak_ = 0;
  Duration watched_cpu_{};
  std::optional<Outcome> outcome_;
};

}  // namespace nanogrid
