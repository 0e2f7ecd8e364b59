// An engine on a fake sandbox, for tests.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "engine/fake_sandbox.h"
#include "engine/status_matchers.h"
#include "engine/temp_directory.h"
#include "nanogrid/adapters/memory.h"
#include "nanogrid/engine.h"

namespace nanogrid {

class ManualClock final : public Clock {
 public:
  TimePoint Now() const override { return TimePoint(Duration(now_.load())); }
  SystemTime WallNow() const override { return SystemTime{}; }
  void Advance(Duration by) { now_ += by.count(); }

 private:
  std::atomic<Duration::rep> now_ = 1'000'000'000;
};

// Languages that need nothing on this machine.
inline std::vector<Runtime> FakeRuntimes() {
  return {{.name = "script",
           .extensions = {".fn"},
           .command = {"/usr/bin/script", "{handler}", "{memory_mb}"},
           .env = {{"RUNTIME", "default"}, {"BOTH", "runtime"}},
           .default_function = "handler"},
          {.name = "program",
           .protocol = Protocol::kStdio,
           .result_is_json = false,
           .runs_executables = true,
           .command = {"{program}"},
           .compilers = {{.extensions = {".src"},
                          .tool = "/bin/sh",
                          .install_hint = "apt-get install dash",
                          .script = "compile"}}}};
}

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() {
    parts_.objects = objects_;
    parts_.catalog = catalog_;
    parts_.sandboxes["linux"] = sandbox_;
    parts_.runtimes = FakeRuntimes();
    parts_.package_dir = directory_ / "packages";
    parts_.min_available_memory = 0;
  }
  ~EngineTest() override {
    engine_.reset();
    EXPECT_EQ(sandbox_->alive(), 0);
    EXPECT_FALSE(sandbox_->misused());
  }

  // Made at the first use, so that a test can change parts_ before.
  Engine& engine() {
    if (engine_ == nullptr) {
      auto made = MakeEngine(parts_);
      EXPECT_THAT(made, IsOk());
      engine_ = *std::move(made);
    }
    return *engine_;
  }

  static FunctionSpec Spec(std::string name, std::string source = "source") {
    return {.name = std::move(name), .code = Code::Inline("f.fn", std::move(source))};
  }
  FunctionVersion Register(const FunctionSpec& spec) {
    auto version = engine().Register(spec);
    EXPECT_THAT(version, IsOk());
    return version.ok() ? *version : FunctionVersion{};
  }
  Result<Outcome> Invoke(std::string function, std::string event = "1",
                         const Context& context = {}) {
    return engine().Invoke(context, {.function = std::move(function), .event = std::move(event)});
  }
  size_t CountObjects(std::string_view prefix) {
    return objects_->List({}, prefix)->objects.size();
  }

  TempDirectory directory_;
  std::shared_ptr<ObjectStore> objects_ = MakeMemoryObjectStore();
  std::shared_ptr<FunctionCatalog> catalog_ = MakeMemoryFunctionCatalog();
  std::shared_ptr<FakeSandbox> sandbox_ = std::make_shared<FakeSandbox>();
  ManualClock clock_;  // for parts_.clock, in tests that turn it by hand
  EngineParts parts_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace nanogrid
