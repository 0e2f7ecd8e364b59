#include "nanogrid/scheduler.h"

#include <algorithm>
#include <list>
#include <unordered_map>

namespace nanogrid {
namespace {

struct Function;

struct Idle {
  InstanceId instance = 0;
  Function* function = nullptr;
  std::string tenant{};
  TimePoint since{};
  bool frozen = false;
};
using IdleList = std::list<Idle>;

struct Function {
  std::string name;
  uint32_t concurrency = 0;
  uint32_t running = 0;
  uint64_t era = 0;  // raised by Forget: instances of an earlier one are not kept
  std::list<Ticket> waiting;
  std::vector<IdleList::iterator> idle;  // longest idle first
  bool ready = false;
  std::list<Function*>::iterator turn{};  // in State::ready, if ready

  bool MayRun() const { return concurrency == 0 || running < concurrency; }
  bool Unused() const { return running == 0 && waiting.empty() && idle.empty(); }
};

// An admitted invocation. Slots are reused; the generation in a ticket tells its uses apart.
struct Slot {
  enum class State { kFree, kWaiting, kRunning };
  State state = State::kFree;
  uint32_t generation = 0;
  Function* function = nullptr;
  uint64_t era = 0;
  std::string tenant{};
  std::list<Ticket>::iterator place{};  // in function->waiting
};

struct NameHash {
  using is_transparent = void;
  size_t operator()(std::string_view name) const { return std::hash<std::string_view>{}(name); }
};

TimePoint After(TimePoint start, Duration delay) {
  return delay < TimePoint::max() - start ? start + delay : TimePoint::max();
}

}  // namespace

struct Scheduler::State {
  SchedulerOptions options;
  std::unordered_map<std::string, Function, NameHash, std::equal_to<>> functions;
  std::vector<Slot> slots;
  std::vector<uint32_t> free_slots;
  // Functions with someone waiting who is held back by max_running alone, in turn.
  std::list<Function*> ready;
  // Idle instances, longest idle first. Those frozen have been idle for longer than those awake.
  IdleList frozen;
  IdleList awake;
  IdleList spare;  // used nodes, so that a warm invocation allocates nothing
  size_t running = 0;
  size_t waiting = 0;
  TimePoint now = TimePoint::min();

  // Callers read the clock before they take the lock: time must not run backwards here.
  void Advance(TimePoint to) { now = std::max(now, to); }

  Function& Demand(std::string_view name, uint32_t concurrency) {
    if (const auto found = functions.find(name); found != functions.end()) return found->second;
    Function& function = functions[std::string(name)];
    function.name = name;
    function.concurrency = concurrency;
    return function;
  }

  void DropIfUnused(Function& function) {
    if (function.Unused()) functions.erase(functions.find(function.name));
  }

  Ticket Open(Function& function, std::string_view tenant) {
    if (free_slots.empty()) {
      free_slots.push_back(static_cast<uint32_t>(slots.size()));
      slots.emplace_back();
    }
    const uint32_t index = free_slots.back();
    free_slots.pop_back();
    Slot& slot = slots[index];
    ++slot.generation;
    slot.function = &function;
    slot.era = function.era;
    slot.tenant = tenant;
    return (Ticket{slot.generation} << 32) | index;
  }

  // Null if the ticket is not, or no longer, in that state.
  Slot* Find(Ticket ticket, Slot::State state) {
    const auto index = static_cast<uint32_t>(ticket);
    if (index >= slots.size()) return nullptr;
    Slot& slot = slots[index];
    return slot.generation == ticket >> 32 && slot.state == state ? &slot : nullptr;
  }

  void Close(Ticket ticket, Slot& slot) {
    slot.state = Slot::State::kFree;
    free_slots.push_back(static_cast<uint32_t>(ticket));
  }

  size_t IdleCount() const { return frozen.size() + awake.size(); }

  void AddIdle(Function& function, InstanceId instance, std::string_view tenant) {
    if (spare.empty()) spare.emplace_back();
    awake.splice(awake.end(), spare, spare.begin());
    Idle& idle = awake.back();
    idle.instance = instance;
    idle.function = &function;
    idle.tenant = tenant;
    idle.since = now;
    idle.frozen = false;
    function.idle.push_back(std::prev(awake.end()));
  }

  InstanceId Release(IdleList::iterator idle) {
    spare.splice(spare.begin(), idle->frozen ? frozen : awake, idle);
    return idle->instance;
  }

  // The one used last: its memory and caches are the warmest.
  std::optional<InstanceId> TakeNewest(Function& function, std::string_view tenant) {
    for (size_t i = function.idle.size(); i-- > 0;) {
      const IdleList::iterator idle = function.idle[i];
      if (idle->tenant != tenant) continue;
      function.idle.erase(function.idle.begin() + static_cast<ptrdiff_t>(i));
      return Release(idle);
    }
    return std::nullopt;
  }

  // Of all functions. Some instance must be idle.
  InstanceId TakeOldest() {
    const IdleList::iterator idle = frozen.empty() ? awake.begin() : frozen.begin();
    Function& function = *idle->function;
    function.idle.erase(function.idle.begin());
    const InstanceId instance = Release(idle);
    DropIfUnused(function);
    return instance;
  }

  Placement Place(Ticket ticket, Slot& slot) {
    slot.state = Slot::State::kRunning;
    ++slot.function->running;
    ++running;
    return {.ticket = ticket, .instance = TakeNewest(*slot.function, slot.tenant)};
  }

  bool Full() const { return options.max_running != 0 && running >= options.max_running; }

  void UpdateReady(Function& function) {
    const bool ready_now = !function.waiting.empty() && function.MayRun();
    if (ready_now == function.ready) return;
    function.ready = ready_now;
    if (ready_now) {
      function.turn = ready.insert(ready.end(), &function);
    } else {
      ready.erase(function.turn);
    }
  }

  std::vector<Placement> PlaceWaiting() {
    std::vector<Placement> placements;
    while (!Full() && !ready.empty()) {
      Function& function = *ready.front();
      ready.splice(ready.end(), ready, ready.begin());  // its turn is over
      const Ticket ticket = function.waiting.front();
      function.waiting.pop_front();
      --waiting;
      placements.push_back(Place(ticket, slots[static_cast<uint32_t>(ticket)]));
      UpdateReady(function);
    }
    return placements;
  }
};

Scheduler::Scheduler(SchedulerOptions options) : state_(std::make_unique<State>()) {
  state_->options = options;
}

Scheduler::~Scheduler() = default;

Scheduler::Admission Scheduler::Enqueue(std::string_view name, uint32_t concurrency, TimePoint now,
                                        std::string_view tenant) {
  State& state = *state_;
  state.Advance(now);
  Function& function = state.Demand(name, concurrency);
  const Ticket ticket = state.Open(function, tenant);
  Slot& slot = state.slots[static_cast<uint32_t>(ticket)];
  // Whoever waits is held back by a limit that holds back this one too: nobody is overtaken.
  if (function.MayRun() && !state.Full()) return {ticket, state.Place(ticket, slot)};
  slot.state = Slot::State::kWaiting;
  slot.place = function.waiting.insert(function.waiting.end(), ticket);
  ++state.waiting;
  state.UpdateReady(function);
  return {ticket, std::nullopt};
}

bool Scheduler::Withdraw(Ticket ticket) {
  State& state = *state_;
  Slot* const slot = state.Find(ticket, Slot::State::kWaiting);
  if (slot == nullptr) return false;
  Function& function = *slot->function;
  function.waiting.erase(slot->place);
  --state.waiting;
  state.Close(ticket, *slot);
  state.UpdateReady(function);
  state.DropIfUnused(function);
  return true;
}

std::vector<Placement> Scheduler::Finish(Ticket ticket, std::optional<InstanceId> keep,
                                         TimePoint now, std::vector<InstanceId>& retired) {
  State& state = *state_;
  state.Advance(now);
  Slot* const slot = state.Find(ticket, Slot::State::kRunning);
  if (slot == nullptr) {
    if (keep) retired.push_back(*keep);
    return {};
  }
  Function& function = *slot->function;
  const bool forgotten = slot->era != function.era;
  state.Close(ticket, *slot);
  --function.running;
  --state.running;
  if (keep && forgotten) {
    retired.push_back(*keep);
  } else if (keep) {
    state.AddIdle(function, *keep, slot->tenant);
  }
  state.UpdateReady(function);
  state.DropIfUnused(function);
  std::vector<Placement> placements = state.PlaceWaiting();
  while (state.IdleCount() > state.options.max_idle) retired.push_back(state.TakeOldest());
  return placements;
}

std::optional<InstanceId> Scheduler::Replace(Ticket ticket) {
  Slot* const slot = state_->Find(ticket, Slot::State::kRunning);
  return slot == nullptr ? std::nullopt : state_->TakeNewest(*slot->function, slot->tenant);
}

Scheduler::Upkeep Scheduler::Tick(TimePoint now) {
  State& state = *state_;
  state.Advance(now);
  const auto expiry = [&](const Idle& idle) { return After(idle.since, state.options.keep_alive); };
  const auto frost = [&](const Idle& idle) {
    return After(idle.since, state.options.freeze_after);
  };
  const auto oldest = [&]() -> const Idle* {
    if (!state.frozen.empty()) return &state.frozen.front();
    return state.awake.empty() ? nullptr : &state.awake.front();
  };

  Upkeep upkeep;
  while (oldest() != nullptr && expiry(*oldest()) <= state.now) {
    upkeep.retire.push_back(state.TakeOldest());
  }
  while (!state.awake.empty() && frost(state.awake.front()) <= state.now) {
    Idle& idle = state.awake.front();
    idle.frozen = true;
    upkeep.freeze.push_back(idle.instance);
    state.frozen.splice(state.frozen.end(), state.awake, state.awake.begin());
  }
  if (oldest() != nullptr) upkeep.next = expiry(*oldest());
  if (!state.awake.empty()) upkeep.next = std::min(upkeep.next, frost(state.awake.front()));
  return upkeep;
}

std::vector<InstanceId> Scheduler::Reclaim(size_t count) {
  std::vector<InstanceId> reclaimed;
  while (reclaimed.size() < count && state_->IdleCount() > 0) {
    reclaimed.push_back(state_->TakeOldest());
  }
  return reclaimed;
}

std::vector<InstanceId> Scheduler::Forget(std::string_view name) {
  std::vector<InstanceId> forgotten;
  const auto found = state_->functions.find(name);
  if (found == state_->functions.end()) return forgotten;
  Function& function = found->second;
  ++function.era;
  for (const IdleList::iterator idle : function.idle) forgotten.push_back(state_->Release(idle));
  function.idle.clear();
  state_->DropIfUnused(function);
  return forgotten;
}

Scheduler::Stats Scheduler::GetStats() const {
  return {.running = state_->running, .waiting = state_->waiting, .idle = state_->IdleCount()};
}

}  // namespace nanogrid
