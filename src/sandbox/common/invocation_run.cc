#include "sandbox/common/invocation_run.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <system_error>

#include "core/errors.h"
#include "core/function_error.h"
#include "sandbox/common/init_wire.h"
#include "sandbox/common/process_tree.h"

namespace nanogrid {
namespace {

// How often a running instance is looked at where the kernel does not wake us for a limit that
// struck: without a cgroup, and on v1, which counts but does not tell.
constexpr Duration kWatchInterval = std::chrono::milliseconds(20);
// Without a cgroup the first looks come sooner: what is refused all forks may be gone by then.
constexpr Duration kFirstWatchInterval = std::chrono::milliseconds(2);
// The kernel strikes a little before the counter shows the limit: charges come in batches.
constexpr uint64_t kMemorySlack = 256 * 1024;

// A warm instance that answered quickly is likely to again: then looking for the answer for a while
// beats going to sleep, which costs two wake-ups and, on another CPU, an interrupt.
constexpr Duration kQuickTime = std::chrono::microseconds(150);
constexpr Duration kSpinTime = std::chrono::microseconds(50);
// What is shorter is not worth reading the kernel's counters for; the next longer one counts it
// too.
constexpr Duration kMeasuredTime = std::chrono::microseconds(200);

TimePoint Now() { return std::chrono::steady_clock::now(); }

// The deadline as the calendar sees it, for the runtime's context object; 0: none.
int64_t WallDeadlineMs(TimePoint deadline, TimePoint now) {
  if (deadline == TimePoint::max()) return 0;
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return duration_cast<milliseconds>(wall).count() +
         duration_cast<milliseconds>(deadline - now).count();
}

std::string Seconds(Duration duration) {
  return fmt::format("{:.3g} s", std::chrono::duration<double>(duration).count());
}

}  // namespace

void InvocationRun::Wake::operator()() const {
  const uint64_t one = 1;
  (void)!write(fd, &one, sizeof(one));
}

InvocationRun::InvocationRun(PipeInstance& instance, const Context& context,
                             const Invocation& invocation, LogSink& log)
    : instance_(instance), context_(context), log_(log), files_(invocation.files), start_(Now()) {
  if (instance.protocol_ == Protocol::kFrames) {
    conversation_ = &frames_.emplace(
        instance.pipes_.input.get(), instance.pipes_.output.get(), invocation.request_id,
        invocation.event, WallDeadlineMs(context.deadline, start_), instance.ready_seen_, log);
  } else {
    conversation_ = &stdio_.emplace(std::move(instance.pipes_.input),
                                    std::move(instance.pipes_.output), invocation.event);
  }
}

Result<Outcome> InvocationRun::Run() {
  if (context_.stop.stop_possible()) {
    if (!instance_.wake_) instance_.wake_.Reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!instance_.wake_) return ErrnoError(errno, "eventfd");
    stop_callback_.emplace(context_.stop, Wake{instance_.wake_.get()});
  }
  watch_interval_ = instance_.files_.has_cgroup() ? kWatchInterval : kFirstWatchInterval;
  next_watch_ = start_ + watch_interval_;
  OnProgress(conversation_->Write());
  if (instance_.quick_ && instance_.spin_.IsDue()) {
    Spin();
    instance_.spin_.Learn(outcome_.has_value());
  }
  while (!outcome_) {
    if (!WaitOnce() && errno != EINTR) return ErrnoError(errno, "wait for instance");
  }
  return Finish();
}

// Yielding lets an instance on the same CPU run, unless they are in scheduling groups of their own,
// and returns at once if it is on another. Twice is enough for that; more would be a present to
// everybody else on this CPU.
void InvocationRun::Spin() {
  const TimePoint until = std::min(start_ + kSpinTime, context_.deadline);
  for (int turn = 0; !outcome_ && !context_.stop.stop_requested() && Now() < until; ++turn) {
    if (turn < 2) sched_yield();
    OnProgress(conversation_->Read(OutputLeft()));
  }
  log_waits_ = true;  // nobody has looked
}

int64_t InvocationRun::TimeoutNs() const {
  TimePoint until = context_.deadline;
  if (!instance_.files_.tells_events()) until = std::min(until, next_watch_);
  if (until == TimePoint::max()) return -1;
  return std::max<int64_t>(0, (until - Now()).count());
}

bool InvocationRun::WaitOnce() {
  // In the order in which the kernel looks at them: when it sees an answer it sees, after that,
  // what the same process had logged before.
  enum { kRead, kLog, kControl, kWrite, kWake, kPids, kMemory, kCount };
  std::array<pollfd, kCount> fds{};
  fds[kLog] = {instance_.pipes_.log.get(), POLLIN, 0};
  fds[kControl] = {instance_.pipes_.control.get(), POLLIN, 0};
  fds[kRead] = {conversation_->read_fd(), POLLIN, 0};
  fds[kWrite] = {conversation_->write_fd(), POLLOUT, 0};
  fds[kWake] = {stop_callback_ ? instance_.wake_.get() : -1, POLLIN, 0};
  fds[kPids] = {instance_.files_.pids_events_fd(), POLLPRI, 0};
  fds[kMemory] = {instance_.files_.memory_events_fd(), POLLPRI, 0};
  const int64_t timeout_ns = TimeoutNs();
  const timespec timeout = {timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
  if (ppoll(fds.data(), fds.size(), timeout_ns < 0 ? nullptr : &timeout, nullptr) < 0) return false;

  log_waits_ = fds[kLog].revents != 0;
  if (log_waits_) PumpLog();
  // First what was said, then more of the question: an answer must not come before it is out.
  if (fds[kRead].revents != 0) OnProgress(conversation_->Read(OutputLeft()));
  if (fds[kWrite].revents != 0) OnProgress(conversation_->Write());
  if ((fds[kPids].revents | fds[kMemory].revents) != 0) CheckLimits();
  if (fds[kControl].revents != 0) OnExit();
  if (context_.stop.stop_requested()) End(Ending::kCancelled, "cancelled by the caller");
  const TimePoint now = Now();
  if (now >= context_.deadline) {
    End(Ending::kTimeout, "ended after " + Seconds(now - start_) + ", at its time limit");
  }
  if (!instance_.files_.tells_events() && now >= next_watch_) Watch();
  return true;
}

void InvocationRun::OnProgress(Progress progress) {
  switch (progress) {
    case Progress::kMore:
      return;
    case Progress::kAnswered:
      return Answer();
    case Progress::kClosed:
      // A program may close its output long before it ends; a runtime that closes its pipe
      // cannot answer any more.
      if (frames_ && !exited_) {
        pollfd control = {instance_.pipes_.control.get(), POLLIN, 0};
        if (poll(&control, 1, 1000) > 0) return OnExit();
        End(Ending::kViolation, "the runtime closed descriptor 4, where answers go");
      }
      return;
    case Progress::kBroken:
      return End(Ending::kViolation, "the runtime broke the frame protocol");
    case Progress::kTooLong:
      return End(Ending::kOutputLimit,
                 fmt::format("result and log exceed {} bytes", instance_.limits_.max_output));
  }
}

uint64_t InvocationRun::OutputLeft() const {
  const uint64_t limit = instance_.limits_.max_output;
  return limit > logged_ ? limit - logged_ : 0;
}

// Passes on what is in the pipe now; a function that writes without end comes back for more.
void InvocationRun::PumpLog() {
  std::array<char, 64 * 1024> buffer;
  const uint64_t bound = instance_.limits_.max_output;
  for (int round = 0; round < 4; ++round) {
    const ssize_t got = read(instance_.pipes_.log.get(), buffer.data(), buffer.size());
    if (got == 0) instance_.pipes_.log.Reset();  // for poll, a hung-up pipe is always ready
    if (got <= 0) return;
    const auto size = static_cast<uint64_t>(got);
    const uint64_t used = logged_ + conversation_->result_size();
    const uint64_t allowed = used < bound ? std::min(bound - used, size) : 0;
    if (allowed > 0) log_.Write({buffer.data(), static_cast<size_t>(allowed)});
    logged_ += allowed;
    if (allowed < size) {
      log_truncated_ = true;
      End(Ending::kOutputLimit, fmt::format("result and log exceed {} bytes", bound));
      return;
    }
    if (size < buffer.size()) return;
  }
}

void InvocationRun::Answer() {
  if (outcome_) return;
  Outcome& outcome = outcome_.emplace();
  outcome.result_is_json = instance_.result_is_json_;
  if (frames_->type() == FrameType::kError) {
    outcome.ending = Ending::kException;
    outcome.error = ParseFunctionError(frames_->TakeBody());
  } else {
    outcome.result = frames_->TakeBody();
  }
}

void InvocationRun::End(Ending ending, std::string message) {
  if (outcome_) return;
  Outcome& outcome = outcome_.emplace();
  outcome.ending = ending;
  outcome.result_is_json = instance_.result_is_json_;
  outcome.error = FunctionError{std::string(ToString(ending)), std::move(message), {}};
}

// The main process is gone. What it said before still counts.
void InvocationRun::OnExit() {
  if (exited_) return;
  exited_ = true;
  wire::ExitReport report;
  const ssize_t got = read(instance_.pipes_.control.get(), &report, sizeof(report));
  alive_ = false;
  if (!instance_.files_.has_cgroup()) WatchTree();
  // Nothing of it may write any more while the pipes are emptied.
  instance_.Kill();
  PumpLog();
  if (outcome_) return;
  const Progress last = conversation_->Read(OutputLeft());
  if (last == Progress::kAnswered || last == Progress::kTooLong) return OnProgress(last);
  CheckLimits();
  if (outcome_) return;
  if (got != sizeof(report)) {
    return End(Ending::kSignaled, "the sandbox was killed from outside");
  }
  switch (report.kind) {
    case wire::ExitReport::kExited:
      if (stdio_ && report.value == 0) {
        Outcome& outcome = outcome_.emplace();
        outcome.result = stdio_->TakeResult();
        outcome.result_is_json = instance_.result_is_json_;
        return;
      }
      End(Ending::kExited, fmt::format("exited with code {}", report.value));
      outcome_->exit_code = report.value;
      return;
    case wire::ExitReport::kSignaled:
      if (report.value == SIGSYS) {
        return End(Ending::kViolation, "killed for a forbidden system call");
      }
      End(Ending::kSignaled,
          fmt::format("killed by signal {} ({})", report.value, strsignal(report.value)));
      outcome_->signal = report.value;
      return;
    case wire::ExitReport::kForkFailed:
      return End(Ending::kTooManyProcesses, "the runtime could not be started: too many processes");
    default:
      End(Ending::kExited,
          fmt::format("cannot execute the program: {} (errno {})",
                      std::generic_category().message(report.value), report.value));
      outcome_->exit_code = report.value == ENOENT ? 127 : 126;  // as a shell says it
  }
}

void InvocationRun::CheckLimits() {
  const InstanceFiles& files = instance_.files_;
  if (!files.has_cgroup()) return;
  if (files.OomKills() > 0) {
    End(Ending::kOutOfMemory, fmt::format("memory exceeds {} bytes", instance_.limits_.memory));
  }
  if (files.ForkRefusals() > 0) {
    End(Ending::kTooManyProcesses,
        fmt::format("more than {} processes and threads", instance_.limits_.max_processes));
  }
}

void InvocationRun::Watch() {
  watch_interval_ = std::min(2 * watch_interval_, kWatchInterval);
  next_watch_ = Now() + watch_interval_;
  CheckLimits();
  if (!instance_.files_.has_cgroup()) WatchTree();
}

// In place of a cgroup's limits.
void InvocationRun::WatchTree() {
  const TreeUsage usage = ReadProcessTree(instance_.files_.init_pid());
  watched_peak_ = std::max(watched_peak_, usage.memory);
  watched_cpu_ = std::max(watched_cpu_, usage.cpu);
  if (usage.memory > instance_.limits_.memory) {
    End(Ending::kOutOfMemory, fmt::format("memory exceeds {} bytes", instance_.limits_.memory));
  }
  if (usage.processes > instance_.limits_.max_processes) {
    End(Ending::kTooManyProcesses,
        fmt::format("more than {} processes and threads", instance_.limits_.max_processes));
  }
}

Result<Outcome> InvocationRun::Finish() {
  stop_callback_.reset();
  if (instance_.wake_ && context_.stop.stop_requested()) {
    uint64_t drop;  // a stop that came too late must not wake the next invocation for ever
    (void)!read(instance_.wake_.get(), &drop, sizeof(drop));
  }
  Outcome outcome = *std::move(outcome_);
  // What was printed before the answer and did not fit into one round.
  if (alive_ && log_waits_ && outcome.ending != Ending::kOutputLimit) {
    outcome_.reset();
    PumpLog();
    if (outcome_) outcome = *std::move(outcome_);  // the output limit
  }
  const bool answered = outcome.ending == Ending::kReturned || outcome.ending == Ending::kException;
  instance_.quick_ = answered && Now() - start_ < kQuickTime;
  if (!answered || !instance_.used_ || Now() - start_ >= kMeasuredTime) Measure(outcome);
  const bool keep = alive_ && instance_.protocol_ == Protocol::kFrames &&
                    (outcome.ending == Ending::kReturned || outcome.ending == Ending::kException);
  if (!keep && !instance_.Kill()) return Internal("the instance does not die");
  alive_ = keep;
  outcome.usage.peak_memory = instance_.peak_memory_;
  outcome.usage.wall = Now() - start_;
  outcome.isolation = instance_.isolation_;
  if (files_ != nullptr && outcome.ending == Ending::kReturned) {
    NANOGRID_RETURN_IF_ERROR(instance_.CollectOutput(alive_, *files_, outcome));
  }
  outcome.start = instance_.used_ ? StartKind::kWarm : StartKind::kCold;
  outcome.log_truncated = log_truncated_;
  outcome_ = std::nullopt;
  return outcome;
}

// Reads the counters, and with them whether a limit struck without the runtime's noticing: a child
// was killed for memory, a fork refused.
void InvocationRun::Measure(Outcome& outcome) {
  const InstanceFiles& files = instance_.files_;
  const Duration cpu = std::max(files.CpuTime(), watched_cpu_);
  outcome.usage.cpu = std::max(cpu - instance_.cpu_counted_, Duration::zero());
  instance_.cpu_counted_ = cpu;
  instance_.peak_memory_ = std::max({files.PeakMemory(), watched_peak_, instance_.peak_memory_});
  const bool answered = outcome.ending == Ending::kReturned || outcome.ending == Ending::kException;
  if (!answered || !files.has_cgroup()) return;
  if ((files.tells_events() || files.ForkRefusals() == 0) &&
      instance_.peak_memory_ + kMemorySlack < instance_.limits_.memory) {
    return;
  }
  outcome_.reset();
  CheckLimits();
  if (!outcome_) return;
  outcome_->usage = outcome.usage;
  outcome = *std::move(outcome_);
}

}  // namespace nanogrid
