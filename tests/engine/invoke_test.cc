#include <gtest/gtest.h>

#include <thread>

#include "engine/engine_fixture.h"

namespace nanogrid {
namespace {

using namespace std::chrono_literals;
using enum absl::StatusCode;

using Invocations = EngineTest;

TEST_F(Invocations, TheSecondInvocationIsWarm) {
  Register(Spec("f"));
  const auto first = Invoke("f", R"({"n": 1})");
  const auto second = Invoke("f", "2");
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(first->result, R"({"n": 1})");
  EXPECT_EQ(first->start, StartKind::kCold);
  EXPECT_EQ(second->result, "2");
  EXPECT_EQ(second->start, StartKind::kWarm);
  EXPECT_EQ(sandbox_->starts(), 1);
  EXPECT_EQ(engine().GetStats().idle, 1);
}

TEST_F(Invocations, AFreshFunctionHasAnInstanceForEachInvocation) {
  FunctionSpec spec = Spec("f");
  spec.fresh = true;
  Register(spec);
  for (int i = 1; i <= 3; ++i) {
    const auto outcome = Invoke("f");
    ASSERT_THAT(outcome, IsOk());
    EXPECT_EQ(outcome->start, StartKind::kCold);
    EXPECT_EQ(sandbox_->starts(), i);
    EXPECT_EQ(sandbox_->alive(), 0);
  }
}

TEST_F(Invocations, TenantsDoNotShareInstances) {
  FunctionSpec spec = Spec("f");
  spec.per_tenant = true;
  Register(spec);
  const auto start_for = [this](const char* tenant) {
    const auto outcome = engine().Invoke({}, {.function = "f", .tenant = tenant});
    EXPECT_THAT(outcome, IsOk());
    return outcome->start;
  };
  EXPECT_EQ(start_for("a"), StartKind::kCold);
  EXPECT_EQ(start_for("b"), StartKind::kCold);
  EXPECT_EQ(start_for("a"), StartKind::kWarm);
  EXPECT_EQ(start_for("b"), StartKind::kWarm);
  ASSERT_EQ(sandbox_->starts(), 2);
  EXPECT_EQ(sandbox_->packages()[0].tenant, "a");
  EXPECT_EQ(sandbox_->packages()[1].tenant, "b");
}

TEST_F(Invocations, AFunctionThatKeepsTenantsApartMustKnowThem) {
  FunctionSpec spec = Spec("f");
  spec.per_tenant = true;
  Register(spec);
  EXPECT_THAT(Invoke("f"), FailsWith(kInvalidArgument, "tenant: missing"));
  EXPECT_THAT(engine().CheckInvoke({}, "f", kLatest, "1"),
              FailsWith(kInvalidArgument, "tenant: missing"));
  EXPECT_THAT(engine().CheckInvoke({}, "f", kLatest, "1", "a"), IsOk());
  EXPECT_THAT(engine().Invoke({}, {.function = "f", .tenant = "a\nb"}),
              FailsWith(kInvalidArgument, "tenant"));
}

TEST_F(Invocations, TenantsShareInstancesUnlessTheyAreKeptApart) {
  Register(Spec("f"));
  ASSERT_THAT(engine().Invoke({}, {.function = "f", .tenant = "a"}), IsOk());
  EXPECT_EQ(engine().Invoke({}, {.function = "f", .tenant = "b"})->start, StartKind::kWarm);
  EXPECT_EQ(sandbox_->packages()[0].tenant, "");
}

TEST_F(Invocations, ThePackageIsAsDocumented) {
  FunctionSpec spec = Spec("f");
  spec.env = {{"BOTH", "function"}, {"HOME", "/elsewhere"}};
  Register(spec);
  ASSERT_THAT(Invoke("f"), IsOk());
  const FunctionPackage package = sandbox_->packages().front();
  EXPECT_EQ(package.command, (std::vector<std::string>{"/usr/bin/script", "f.handler", "128"}));
  const std::map<std::string, std::string> env = {{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"},
                                                  {"AWS_LAMBDA_FUNCTION_NAME", "f"},
                                                  {"AWS_LAMBDA_FUNCTION_VERSION", "1"},
                                                  {"BOTH", "function"},
                                                  {"HOME", "/elsewhere"},
                                                  {"LAMBDA_RUNTIME_DIR", "/var/runtime"},
                                                  {"LAMBDA_TASK_ROOT", "/var/task"},
                                                  {"LANG", "C.UTF-8"},
                                                  {"PATH", "/usr/local/bin:/usr/bin:/bin"},
                                                  {"RUNTIME", "default"},
                                                  {"TMPDIR", "/tmp"},
                                                  {"TZ", "UTC"},
                                                  {"_HANDLER", "f.handler"}};
  EXPECT_EQ(package.env, env);
  EXPECT_TRUE(std::filesystem::exists(package.code_dir + "/f.fn"));
}

TEST_F(Invocations, WhoMayUseTheNetworkIsToldWhatThereIsToCall) {
  parts_.network_env = {{"AI_ENDPOINT", "http://10.0.1.9:11434"}, {"HOME", "/elsewhere"}};
  FunctionSpec spec = Spec("f");
  Register(spec);
  ASSERT_THAT(Invoke("f"), IsOk());
  EXPECT_FALSE(sandbox_->packages().back().env.contains("AI_ENDPOINT"));
  spec.grants.network = Network::kHost;
  Register(spec);
  ASSERT_THAT(Invoke("f"), IsOk());
  EXPECT_EQ(sandbox_->packages().back().env.at("AI_ENDPOINT"), "http://10.0.1.9:11434");
  EXPECT_EQ(sandbox_->packages().back().env.at("HOME"), "/tmp");
  spec.env = {{"AI_ENDPOINT", "http://own"}};
  Register(spec);
  ASSERT_THAT(Invoke("f"), IsOk());
  EXPECT_EQ(sandbox_->packages().back().env.at("AI_ENDPOINT"), "http://own");
}

TEST_F(Invocations, AnEnvironmentThatCannotBeIsRefusedBeforeAnythingRuns) {
  parts_.network_env = {{"AI ENDPOINT", "http://own"}};
  EXPECT_THAT(MakeEngine(parts_), FailsWith(kInvalidArgument, "EngineParts.network_env"));
}

TEST_F(Invocations, QualifiersChooseTheVersion) {
  sandbox_->on_invoke = [](const FakeSandbox::Call& call) {
    return Returned(std::to_string(call.package.version));
  };
  Register(Spec("f", "one"));
  Register(Spec("f", "two"));
  EXPECT_EQ(Invoke("f")->result, "2");
  EXPECT_EQ(engine().Invoke({}, {.function = "f", .qualifier = "1"})->result, "1");
  ASSERT_THAT(catalog_->PutAlias({}, "f", "live", 1), IsOk());
  EXPECT_EQ(engine().Invoke({}, {.function = "f", .qualifier = "live"})->result, "1");
  ASSERT_THAT(catalog_->PutAlias({}, "f", "live", 2), IsOk());
  EXPECT_EQ(engine().Invoke({}, {.function = "f", .qualifier = "live"})->result, "2");
  EXPECT_THAT(engine().Invoke({}, {.function = "f", .qualifier = "9"}), FailsWith(kNotFound, ""));
  EXPECT_THAT(Invoke("g"), FailsWith(kNotFound, "g"));
}

TEST_F(Invocations, ATrustedCatalogIsAskedOnceUntilThisEngineChangesIt) {
  parts_.clock = &clock_;
  parts_.catalog_ttl = 10s;
  sandbox_->on_invoke = [](const FakeSandbox::Call& call) {
    return Returned(std::to_string(call.package.version));
  };
  Register(Spec("f", "one"));
  EXPECT_EQ(Invoke("f")->result, "1");
  FunctionVersion elsewhere = *catalog_->Get({}, "f");
  elsewhere.env["NEW"] = "1";
  ASSERT_THAT(catalog_->Put({}, elsewhere), IsOk());
  EXPECT_EQ(Invoke("f")->result, "1");
  clock_.Advance(10s);
  EXPECT_EQ(Invoke("f")->result, "2");
  Register(Spec("f", "three"));
  EXPECT_EQ(Invoke("f")->result, "3");
  ASSERT_THAT(engine().Remove({}, "f"), IsOk());
  EXPECT_THAT(Invoke("f"), FailsWith(kNotFound, "f"));
}

TEST_F(Invocations, EventsMustBeJson) {
  Register(Spec("f"));
  EXPECT_THAT(Invoke("f", "{"), FailsWith(kInvalidArgument, "event: not JSON"));
  EXPECT_THAT(Invoke("f", ""), FailsWith(kInvalidArgument, "event: not JSON"));
  EXPECT_EQ(sandbox_->starts(), 0);
}

TEST_F(Invocations, RequestIdsMustBeShortText) {
  Register(Spec("f"));
  for (const std::string& id : {std::string(257, 'x'), std::string("\xff")}) {
    EXPECT_THAT(engine().Invoke({}, {.function = "f", .request_id = id}),
                FailsWith(kInvalidArgument, "request_id"));
  }
}

TEST_F(Invocations, AResultThatIsNotJsonIsTheFunctionsException) {
  sandbox_->on_invoke = [](const FakeSandbox::Call&) { return Returned("{oops"); };
  Register(Spec("f"));
  const auto outcome = Invoke("f");
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->ending, Ending::kException);
  EXPECT_EQ(outcome->error->type, "Runtime.InvalidResult");
  EXPECT_EQ(outcome->result, "");
}

TEST_F(Invocations, ProgramsTakeAndGiveAnyBytesOnce) {
  Register({.name = "p", .code = Code::Inline("tool", "#!/bin/sh\n")});
  for (int i = 0; i < 2; ++i) {
    const auto outcome = Invoke("p", "{any");
    ASSERT_THAT(outcome, IsOk());
    EXPECT_EQ(outcome->result, "{any");
    EXPECT_FALSE(outcome->result_is_json);
    EXPECT_EQ(outcome->start, StartKind::kCold);
  }
  EXPECT_EQ(sandbox_->packages().front().command, std::vector<std::string>{"/var/task/tool"});
  EXPECT_EQ(sandbox_->alive(), 0);
}

TEST_F(Invocations, RequestIdsAreUniqueUnlessGiven) {
  std::set<std::string> ids;
  sandbox_->on_invoke = [&](const FakeSandbox::Call& call) {
    ids.emplace(call.invocation.request_id);
    return Returned("1");
  };
  Register(Spec("f"));
  ASSERT_THAT(Invoke("f"), IsOk());
  ASSERT_THAT(Invoke("f"), IsOk());
  ASSERT_THAT(engine().Invoke({}, {.function = "f", .request_id = "mine"}), IsOk());
  EXPECT_EQ(ids.size(), 3);
  EXPECT_TRUE(ids.contains("mine"));
}

TEST_F(Invocations, TheFunctionsTimeoutAndTheCallersDeadlineBothBound) {
  TimePoint seen;
  sandbox_->on_invoke = [&](const FakeSandbox::Call& call) {
    seen = call.context.deadline;
    return Returned("1");
  };
  FunctionSpec spec = Spec("f");
  Register(spec);
  ASSERT_THAT(Invoke("f"), IsOk());
  EXPECT_EQ(seen, TimePoint::max());
  const Context soon = Context::WithTimeout(1h);
  ASSERT_THAT(Invoke("f", "1", soon), IsOk());
  EXPECT_EQ(seen, soon.deadline);
  spec.limits.timeout = 1min;
  Register(spec);
  const TimePoint before = std::chrono::steady_clock::now();
  ASSERT_THAT(Invoke("f", "1", soon), IsOk());
  EXPECT_GE(seen, before + 1min);
  EXPECT_LT(seen, soon.deadline);
}

TEST_F(Invocations, AnInstanceThatEndedIsNotUsedAgain) {
  int calls = 0;
  sandbox_->on_invoke = [&](const FakeSandbox::Call&) -> Result<Outcome> {
    constexpr Ending kEndings[] = {Ending::kTimeout, Ending::kException, Ending::kReturned};
    return Outcome{.ending = kEndings[calls++], .result = "1"};
  };
  Register(Spec("f"));
  EXPECT_EQ(Invoke("f")->ending, Ending::kTimeout);
  EXPECT_EQ(sandbox_->alive(), 0);
  EXPECT_EQ(Invoke("f")->ending, Ending::kException);
  EXPECT_EQ(Invoke("f")->start, StartKind::kWarm);
  EXPECT_EQ(sandbox_->starts(), 2);
}

TEST_F(Invocations, DeadWarmInstancesAreReplacedUnseen) {
  Event both_running;
  std::atomic<int> running = 0;
  std::atomic<bool> dead = false;
  sandbox_->on_invoke = [&](const FakeSandbox::Call& call) -> Result<Outcome> {
    if (dead && call.instance <= 2) return absl::UnavailableError("found dead");
    if (++running == 2) both_running.Set();
    both_running.Wait();
    return Returned(std::to_string(call.instance));
  };
  Register(Spec("f"));
  {
    std::jthread other([&] { EXPECT_THAT(Invoke("f"), IsOk()); });
    EXPECT_THAT(Invoke("f"), IsOk());
  }
  EXPECT_EQ(engine().GetStats().idle, 2);
  dead = true;
  const auto outcome = Invoke("f");
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(outcome->result, "3");
  EXPECT_EQ(outcome->start, StartKind::kCold);
  EXPECT_EQ(sandbox_->alive(), 1);
}

TEST_F(Invocations, AFunctionWhoseFilesCannotBeTakenIsNotRunAgain) {
  class FullSink final : public FileSink {
   public:
    Status Begin(std::string_view, uint64_t) override { return absl::UnavailableError("full"); }
    Status Write(std::string_view) override { return absl::OkStatus(); }
    Status End() override { return absl::OkStatus(); }
  } sink;
  int runs = 0;
  sandbox_->on_invoke = [&](const FakeSandbox::Call& call) -> Result<Outcome> {
    ++runs;
    if (Status taken = call.invocation.files->Begin("a", 1); !taken.ok()) return taken;
    return Returned("1");
  };
  Register(Spec("f"));
  EXPECT_THAT(engine().Invoke({}, {.function = "f", .files = &sink}),
              FailsWith(kUnavailable, "full"));
  EXPECT_EQ(runs, 1);
}

TEST_F(Invocations, AHostOnWhichEveryInstanceDiesIsGivenUp) {
  sandbox_->on_invoke = [&](const FakeSandbox::Call&) -> Result<Outcome> {
    return absl::UnavailableError("found dead");
  };
  Register(Spec("f"));
  EXPECT_THAT(Invoke("f"), FailsWith(kUnavailable, "found dead"));
  EXPECT_EQ(sandbox_->starts(), 3);
  EXPECT_EQ(engine().GetStats().running, 0);
}

TEST_F(Invocations, AFailedStartIsTheError) {
  sandbox_->on_start = [](const Context&, const FunctionPackage&) {
    return absl::InternalError("mount /proc: errno 1");
  };
  Register(Spec("f"));
  EXPECT_THAT(Invoke("f"), FailsWith(kInternal, "mount /proc"));
  EXPECT_EQ(engine().GetStats().running, 0);
}

TEST_F(Invocations, ADamagedCodeObjectIsTheErrorAndCanBeRepaired) {
  const FunctionVersion version = Register(Spec("f"));
  const std::string key = "code/" + version.code_digest;
  const std::string good = *ReadObject({}, *objects_, key);
  ASSERT_THAT(WriteObject({}, *objects_, key, "damaged"), IsOk());
  EXPECT_THAT(Invoke("f"), FailsWith(kDataLoss, key.c_str()));
  ASSERT_THAT(WriteObject({}, *objects_, key, good), IsOk());
  EXPECT_THAT(Invoke("f"), IsOk());
}

TEST_F(Invocations, AnotherEngineOnTheSameStoresRunsTheSameFunctions) {
  Register(Spec("f"));
  EngineParts parts = parts_;
  auto other_sandbox = std::make_shared<FakeSandbox>();
  parts.sandboxes["linux"] = other_sandbox;
  const auto other = MakeEngine(parts);
  ASSERT_THAT(other, IsOk());
  EXPECT_THAT((*other)->Invoke({}, {.function = "f"}), IsOk());
  EXPECT_EQ(other_sandbox->starts(), 1);
  EXPECT_EQ(sandbox_->starts(), 0);
  Register(Spec("f", "two"));
  EXPECT_EQ((*other)->Get({}, "f")->number, 2);
  ASSERT_THAT((*other)->Invoke({}, {.function = "f"}), IsOk());
  EXPECT_EQ(other_sandbox->packages().back().version, 2);
}

class Recorder final : public Observer {
 public:
  void OnInvocationStart(std::string_view function, uint64_t, std::string_view) override {
    Add("start " + std::string(function));
  }
  void OnInvocationEnd(std::string_view function, uint64_t, std::string_view,
                       const Outcome& outcome) override {
    Add("end " + std::string(function) + " " + std::string(ToString(outcome.ending)));
  }
  void OnInstanceStart(std::string_view function, uint64_t, Duration) override {
    Add("instance of " + std::string(function));
  }
  void OnInstanceStop(std::string_view function, uint64_t, std::string_view reason) override {
    Add("stop " + std::string(function) + ": " + std::string(reason));
  }
  std::vector<std::string> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(events_, {});
  }

 private:
  void Add(std::string event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  std::mutex mutex_;
  std::vector<std::string> events_;
};

TEST_F(Invocations, TheObserverIsToldInOrder) {
  Recorder recorder;
  parts_.observer = &recorder;
  Register(Spec("f"));
  ASSERT_THAT(Invoke("f"), IsOk());
  ASSERT_THAT(Invoke("f"), IsOk());
  const std::vector<std::string> both = {"start f", "instance of f", "end f returned", "start f",
                                         "end f returned"};
  EXPECT_EQ(recorder.Take(), both);
  engine_.reset();
  EXPECT_EQ(recorder.Take(), std::vector<std::string>{"stop f: shutdown"});
}

}  // namespace
}  // namespace nanogrid
